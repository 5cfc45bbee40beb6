package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/models/zoo/site"
)

// family is a group of clients that are installed together. Its runs are one file of the corpus.
type family struct {
	name    string
	number  int      // its part of the addresses; never given again
	apt     []string // packages of Debian
	install string   // script in clients/, which is given the family's folder; empty: none
	clients []client
}

// client is one program.
type client struct {
	program  string
	version  string // a package of Debian, where the family's script does not say which version it installed
	truth    string // empty: corpus.Bot
	variants []variant
	limit    time.Duration // zero: defaultLimit
	// commands returns what to call. The programs run one after the other, in the visit's folder.
	commands func(v *visit) []command
}

const defaultLimit = 90 * time.Second

// variant is one way in which a program is let loose.
type variant struct {
	intent, disguise string
	sites            []string // kinds, of which one is drawn; empty: of all that have what the intent is after
}

// visit is one run of a client on a site.
type visit struct {
	variant
	client *client
	family *family
	site   *site.Site
	number int    // among the family's runs
	folder string // for what the programs write
	work   string // where the family is installed
	rand   *rand.Rand
	steps  []step // what a program that takes orders is to do
}

func (v *visit) truth() string {
	if v.client.truth == "" {
		return corpus.Bot
	}
	return v.client.truth
}

func (v *visit) base() string { return "https://" + v.site.Host }

// planFile writes the steps to a file for a script, and returns its name.
func (v *visit) planFile() string { return v.write("plan.json", v.steps) }

// write writes a value as JSON, or a text as it is, into the visit's folder.
func (v *visit) write(name string, value any) string {
	name = filepath.Join(v.folder, name)
	text, ok := value.(string)
	if !ok {
		b, _ := json.Marshal(value) // of our own types: there is no error
		text = string(b)
	}
	os.WriteFile(name, []byte(text), 0o644) // where it fails, the program fails
	return name
}

// eachStep returns a call of a program for each step.
func (v *visit) eachStep(argv func(*step) []string) []command {
	var calls []command
	for i := range v.steps {
		calls = append(calls, command{Wait: v.steps[i].Wait, Argv: argv(&v.steps[i])})
	}
	return calls
}

// once returns a single call.
func once(argv ...string) []command { return []command{{Argv: argv}} }

// orders are the variants of a program that asks for what it is told to: it is disguised in every
// way, and has one further intent, which differs from program to program.
func orders(n int) []variant {
	special := []string{calling, stuffing, feeding, watching, probing, searching, fetching}
	all := []variant{
		{intent: scraping, disguise: plain}, {intent: scraping, disguise: asAgent}, {intent: scraping, disguise: asHeaders},
		{intent: scraping, disguise: asReferer}, {intent: scraping, disguise: asAssets}, {intent: scraping, disguise: asPaced},
		{intent: scraping, disguise: asAll},
	}
	first, second := special[n%len(special)], special[(n+3)%len(special)]
	return append(all, variant{intent: first, disguise: plain}, variant{intent: first, disguise: asHeaders}, variant{intent: second, disguise: asAll})
}

// ordered returns clients that take orders.
func ordered(programs []string, commands func(program string) func(*visit) []command) []client {
	var all []client
	for i, p := range programs {
		all = append(all, client{program: p, variants: orders(i), commands: commands(p)})
	}
	return all
}
