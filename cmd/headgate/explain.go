package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/explain"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// explainCommand is headgate explain.
type explainCommand struct {
	What string `arg:"" name:"address or log" help:"Address of a client, looked up in the published table; or an access log, as for headgate replay (- is standard input)."`

	Client  string  `help:"With a log: explain the request of this address that has the lowest score." placeholder:"ADDRESS" xor:"which"`
	Line    int     `help:"With a log: explain the request of this line, from 1." placeholder:"N" xor:"which"`
	Agent   *string `help:"The client's user agent as sent; empty: none. With a log: only requests with this agent." placeholder:"STRING"`
	Path    string  `help:"With an address: path and query of the request." default:"/"`
	Method  string  `help:"With an address: the method of the request." default:"GET"`
	Host    string  `help:"With an address: the host of the request. Default: unknown." placeholder:"NAME"`
	JA4     string  `name:"ja4" help:"With an address: the JA4 of the client's TLS, as a proxy that ends TLS reports it. Default: unknown." placeholder:"FINGERPRINT"`
	Referer *string `help:"With an address: the Referer as sent; empty: none. Default: unknown." placeholder:"URL"`
	Dir     string  `help:"Directory of the daemon. Default: /run/headgate or /dev/shm/headgate, whichever a daemon uses." type:"path"`
	Owner   string  `name:"dir-owner" help:"User, by name or number, who may own the directory, besides root and the current user." placeholder:"USER"`
	Model   string  `help:"Model to score with (CatBoost, LightGBM or XGBoost). Default: the built-in one." type:"path" placeholder:"FILE"`
	MaxKeys int     `help:"With a log: keys kept in each dimension." default:"131072"`

	HeuristicsOff []string `name:"heuristics-off" help:"Findings to switch off, such as declared_crawler (docs/detection.md)." placeholder:"NAME"`

	All  bool `help:"List all features of the model, and all reasons."`
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help is shown by headgate explain --help.
func (explainCommand) Help() string {
	return `Prints the score of a request and the reasons for it: the finding that bounds the score, if there is one, then what moved the model,
the strongest reason first. With an address, the request is a plain one from that address now, scored by what a daemon has published.
With a log, the request is one of the log, scored as the proxy would have scored it at that instant.

A reason counts slightly, clearly or strongly: clearly is a factor of 1.6 or more in the odds that the request is a bot's, strongly one of 4 or
more. Reasons are Shapley values of the features: the base, which is the model's average output, and all reasons add up to the output.

Examples:
  headgate explain 203.0.113.7
  headgate explain 203.0.113.7 --agent 'curl/8.5.0' --path '/search?q=x'
  headgate explain 203.0.113.7 --dir /dev/shm/headgate --model mine.cbm --all
  headgate explain access.log --client 203.0.113.7
  headgate explain access.log.gz --line 1234 --json
  zcat $(ls -tr access.log.*.gz) | headgate explain - --client 203.0.113.7`
}

// Run prints the explanation of a request.
func (c *explainCommand) Run(ctx context.Context, t *terminal) error {
	client, err := netip.ParseAddr(c.What)
	live := err == nil
	if err := c.check(live); err != nil {
		return usageError{fmt.Errorf("explain: %w", err)}
	}
	rules, err := heuristics.New(c.HeuristicsOff)
	if err != nil {
		return usageError{fmt.Errorf("explain: --heuristics-off: %w", err)}
	}
	explainer, model, err := c.explainer()
	if err != nil {
		return err
	}
	var e *explained
	if live {
		e, err = c.explainPublished(client, rules, explainer)
	} else {
		e, err = c.explainLogged(ctx, t, rules, explainer, model)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.writeJSON(t.out)
	}
	e.print(t.out, c.All)
	return nil
}

// check reports options that do not fit together.
func (c *explainCommand) check(live bool) error {
	_, err := netip.ParseAddr(c.Client)
	switch {
	case live && (c.Client != "" || c.Line != 0):
		return fmt.Errorf("--client and --line are for logs, and %s is an address; name a log file before them", c.What)
	case live:
		return nil
	case c.Line < 0:
		return fmt.Errorf("--line %d: lines are counted from 1", c.Line)
	case c.Client == "" && c.Line == 0:
		return fmt.Errorf("of %s, which request? name its client by --client ADDRESS or its line by --line N", c.What)
	case c.Client != "" && err != nil:
		return fmt.Errorf("--client %s is not an IP address", c.Client)
	case c.MaxKeys <= 0:
		return errors.New("--max-keys must be above 0")
	}
	return nil
}

// explainer loads the model and returns its explainer.
func (c *explainCommand) explainer() (*explain.Explainer, *scorer.Model, error) {
	model, err := loadModel(c.Model)
	if err != nil {
		return nil, nil, err
	}
	named := "the built-in model"
	if c.Model != "" {
		named = c.Model
	}
	e, err := explain.New(model)
	switch {
	case errors.Is(err, explain.ErrNoKnownFeature):
		return nil, nil, fmt.Errorf("%s: %w; docs/features.md lists those that there are", named, err)
	case errors.Is(err, scorer.ErrNoWeights):
		return nil, nil, fmt.Errorf("%s: %w; save it by its library's own function, which writes them", named, err)
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", named, err)
	}
	return e, model, nil
}

// judge returns the action for a request with this score under the default policy.
func judge(ev *traffic.Event, score uint8) proxyhook.Action {
	return proxyhook.Thresholds{TagBelow: proxyhook.DefaultFlagBelow}.Judge(ev, score)
}
