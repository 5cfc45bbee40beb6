package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/models/zoo/site"
)

// collection is one call of zoo collect.
type collection struct {
	work, out string
	only      *regexp.Regexp // of family/program/intent/disguise/site
	jobs      int
	seed      uint64
	keep      bool // the folders of runs

	front   *front
	hosts   []string
	results []result
	mutex   sync.Mutex // guards results and the output
}

// result is what came of a run.
type result struct {
	name, version string
	requests      int
	problem       string
}

// visits returns the runs of a family that are wanted. What is drawn for one does not depend on
// which others are.
func (c *collection) visits(f *family) []*visit {
	sites := site.All()
	handler := site.Handler(sites)
	var all []*visit
	for i := range f.clients {
		for _, wanted := range f.clients[i].variants {
			v := &visit{variant: wanted, client: &f.clients[i], family: f, work: f.folder(c.work), number: len(all)}
			v.rand = rand.New(rand.NewPCG(c.seed, hash(f.name, v.client.program, v.intent, v.disguise, strings.Join(v.sites, " "))))
			v.site = v.draw(sites)
			all = append(all, v)
			if c.only.MatchString(v.name()) {
				v.prepare(handler)
			}
		}
	}
	return all
}

// name names a run for people.
func (v *visit) name() string {
	return strings.Join([]string{v.family.name, v.client.program, v.intent, v.disguise, v.site.Kind}, "/")
}

func hash(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		h.Write(append([]byte(t), 0))
	}
	return h.Sum64()
}

// draw draws the site that a run visits.
func (v *visit) draw(sites []*site.Site) *site.Site {
	var fit []*site.Site
	for _, s := range sites {
		if len(v.sites) == 0 && can(s, v.intent) || slices.Contains(v.sites, s.Kind) {
			fit = append(fit, s)
		}
	}
	return fit[v.rand.IntN(len(fit))]
}

// prepare makes up what the program is to ask for.
func (v *visit) prepare(handler http.Handler) {
	p := planner{site: v.site, handler: handler, rand: v.rand, paced: v.disguise == asPaced || v.disguise == asAll || v.truth() == corpus.Person,
		assets: v.disguise == asAssets || v.disguise == asAll}
	v.steps = p.plan(v.intent)
	disguise(v.steps, v.disguise, v.rand)
}

// addresses returns the addresses of the n-th run of a family. Networks differ from run to run;
// every seventh has IPv6, and every ninth shares an address with one of each other family, as
// behind a router with many users.
func (f *family) addresses(n int) (client, server netip.Addr) {
	i := f.number<<8 + n
	low := [2]byte{byte(i >> 8), byte(i)}
	switch {
	case n%7 == 6:
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, low[0], low[1], 15: byte(3 + n%200)}),
			netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 14: low[0], 15: low[1]})
	case n%9 == 4:
		return netip.AddrFrom4([4]byte{100, 127, 0, byte(1 + n)}), netip.AddrFrom4([4]byte{198, 18, low[0], low[1]})
	}
	return netip.AddrFrom4([4]byte{100, byte(64 + i*37%60), byte(i * 101), byte(2 + i*13%250)}), netip.AddrFrom4([4]byte{198, 18, low[0], low[1]})
}

// run collects the families' runs, family by family, and writes one file for each.
func (c *collection) run(ctx context.Context, all []*family) error {
	if err := setUpWorld(); err != nil {
		return err
	}
	stop, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, f := range all {
		if err := c.family(ctx, f); err != nil {
			return err
		}
	}
	c.table()
	return ctx.Err()
}

// start starts the daemon and the front.
func (c *collection) start(ctx context.Context) (stop func(), err error) {
	authority, err := openAuthority(c.work)
	if err != nil {
		return nil, err
	}
	sites := site.All()
	c.hosts = append(site.Hosts(sites), elsewhere...)
	certificate, err := authority.issue(c.hosts, []net.IP{net.IPv4(198, 18, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("zoo: making a certificate: %w", err)
	}
	gate, err := os.MkdirTemp(c.work, "gate-")
	if err != nil {
		return nil, err
	}
	daemon := exec.CommandContext(ctx, filepath.Join(c.work, "headgate"), "run", "--dir", gate, "--listen", "", "--max-keys", "8192")
	if err := daemon.Start(); err != nil {
		return nil, fmt.Errorf("zoo: starting the daemon: %w", err)
	}
	stopDaemon := func() {
		daemon.Process.Kill()
		daemon.Wait()
		os.RemoveAll(gate)
	}
	if c.front, err = startFront(certificate, gate); err != nil {
		stopDaemon()
		return nil, err
	}
	return func() { c.front.close(); stopDaemon() }, nil
}

// family runs what is wanted of a family and replaces its file, unless nothing of it is.
func (c *collection) family(ctx context.Context, f *family) error {
	visits := c.visits(f)
	done := make([]*recording, len(visits))
	var group sync.WaitGroup
	slots := make(chan struct{}, c.jobs)
	for n, v := range visits {
		if v.steps == nil || ctx.Err() != nil {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			done[n] = c.visit(v)
		})
	}
	group.Wait()
	return c.write(f, done)
}

// visit runs one visit.
func (c *collection) visit(v *visit) *recording {
	client, server := v.family.addresses(v.number)
	version := v.family.programVersion(c.work, v.client)
	c.front.recorder.start(server, corpus.Run{
		Truth: v.truth(), Intent: v.intent, Program: v.client.program, Version: version, Disguise: v.disguise, Site: v.site.Kind, Client: client.String(),
	})
	problem := ""
	if err := c.inCell(v, client, server); err != nil {
		problem = err.Error()
	}
	time.Sleep(100 * time.Millisecond) // answers that are on their way
	rec := c.front.recorder.finish(server)
	if rec.seen == 0 && problem == "" {
		problem = "no request arrived"
	}
	c.report(result{v.name(), version, rec.seen, problem})
	return rec
}

// inCell calls the visit's programs.
func (c *collection) inCell(v *visit, client, server netip.Addr) error {
	var err error
	if v.folder, err = os.MkdirTemp(c.work, "run-"); err != nil {
		return err
	}
	if !c.keep {
		defer os.RemoveAll(v.folder)
	}
	l, err := openLane(client, server, c.hosts)
	if err != nil {
		return err
	}
	defer l.close()
	hostsFile, resolvFile, err := l.files(v.folder, c.hosts)
	if err != nil {
		return err
	}
	cell := &cell{Folder: v.folder, Steps: v.client.commands(v), Env: c.environment(v), Mounts: map[string]string{
		"/etc/hosts": hostsFile, "/etc/resolv.conf": resolvFile, "/etc/ssl/certs": filepath.Join(c.work, "certs"),
	}}
	limit := v.client.limit
	if limit == 0 {
		limit = defaultLimit
	}
	late, err := cell.run(limit)
	if late {
		return fmt.Errorf("ended after %v", limit)
	}
	// Many programs end with an error where one answer was a 404. Whether they did their work, the
	// requests tell.
	if err != nil && c.front.recorder.count(server) == 0 {
		out, _ := os.ReadFile(filepath.Join(v.folder, "output.log"))
		return fmt.Errorf("%w: %.300s", err, lastWords(out))
	}
	return nil
}

// lastWords returns the last line that a program left, rather than what the cell says of it.
func lastWords(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for len(lines) > 1 && strings.HasPrefix(lines[len(lines)-1], "zoo: ") {
		lines = lines[:len(lines)-1]
	}
	return lines[len(lines)-1]
}

// environment is that of a visit's programs: nothing of this process's own, so that it is the same
// everywhere.
func (c *collection) environment(v *visit) []string {
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + v.folder, "TMPDIR=" + v.folder, "LANG=en_US.UTF-8", "TERM=dumb",
		"SSL_CERT_FILE=" + bundle, "REQUESTS_CA_BUNDLE=" + bundle, "CURL_CA_BUNDLE=" + bundle, "NODE_EXTRA_CA_CERTS=" + bundle,
		"PERL_LWP_SSL_CA_FILE=" + bundle, "ZOO_BASE=" + v.base(), "PYTHONDONTWRITEBYTECODE=1",
	}
}

// write replaces a family's file. Runs of the old file that were not collected again stay.
func (c *collection) write(f *family, done []*recording) (err error) {
	requests := 0
	for _, rec := range done {
		if rec != nil {
			requests += len(rec.requests)
		}
	}
	if requests == 0 {
		return nil
	}
	name := filepath.Join(c.out, f.name+corpus.Extension)
	head := corpus.Head{Family: f.name, Recorded: c.front.began.UTC(), System: systemName()}
	all, err := withFormer(name, &head, done)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(c.out, f.name+"-*")
	if err != nil {
		return fmt.Errorf("zoo: writing: %w", err)
	}
	defer os.Remove(out.Name()) // which is not there any more when all went well
	err = errors.Join(writeAll(out, head, all), out.Chmod(0o644), out.Close())
	if err != nil {
		return fmt.Errorf("zoo: writing %s: %w", name, err)
	}
	return os.Rename(out.Name(), name)
}

func writeAll(out io.Writer, head corpus.Head, all []*recording) error {
	w, err := corpus.NewWriter(out, head)
	if err != nil {
		return err
	}
	var last numbers
	for _, rec := range all {
		if err := rec.write(w, &last); err != nil {
			return err
		}
	}
	return w.Close()
}

// systemName names the system that the clients run on.
func systemName() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`) + " " + runtime.GOARCH
		}
	}
	return runtime.GOOS + " " + runtime.GOARCH
}

// report tells what came of a run.
func (c *collection) report(r result) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.results = append(c.results, r)
	line := fmt.Sprintf("%-60s %5d requests", r.name, r.requests)
	if r.problem != "" {
		line += "  " + r.problem
	}
	fmt.Println(line)
}

// table prints what came of each program.
func (c *collection) table() {
	type program struct {
		version        string
		runs, requests int
		problems       []string
	}
	programs := make(map[string]*program)
	var order []string
	for _, r := range c.results {
		parts := strings.SplitN(r.name, "/", 3)
		name := parts[0] + "/" + parts[1]
		p := programs[name]
		if p == nil {
			p = &program{version: r.version}
			programs[name] = p
			order = append(order, name)
		}
		p.runs++
		p.requests += r.requests
		if r.problem != "" {
			p.problems = append(p.problems, parts[2]+": "+r.problem)
		}
	}
	fmt.Printf("\n%-36s %-28s %5s %9s  %s\n", "program", "version", "runs", "requests", "what failed")
	total := 0
	for _, name := range order {
		p := programs[name]
		total += p.requests
		fmt.Printf("%-36s %-28s %5d %9d  %s\n", name, p.version, p.runs, p.requests, strings.Join(p.problems, "; "))
	}
	fmt.Printf("%d programs, %d requests, %d that the recorder could not follow\n", len(order), total, c.front.recorder.unparsed)
}
