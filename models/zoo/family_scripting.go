package main

import "path/filepath"

// scripting are HTTP libraries of Ruby, Perl and PHP.
func scripting() *family {
	f := &family{name: "scripting", number: 4, install: "scripting/install.sh", apt: []string{"ruby", "ruby-httparty", "ruby-faraday", "ruby-mechanize", "perl",
		"libwww-perl", "libwww-mechanize-perl", "libmojolicious-perl", "php-cli", "php-curl"}}
	interpreters := map[string][2]string{}
	var programs []string
	for _, p := range [][3]string{
		{"ruby-net-http", "ruby", "run.rb"}, {"ruby-httparty", "ruby", "run.rb"}, {"ruby-faraday", "ruby", "run.rb"}, {"ruby-mechanize", "ruby", "run.rb"}, {"ruby-open-uri", "ruby", "run.rb"},
		{"perl-lwp", "perl", "run.pl"}, {"perl-http-tiny", "perl", "run.pl"}, {"perl-mojo", "perl", "run.pl"}, {"perl-mechanize", "perl", "run.pl"},
		{"php-curl", "php", "run.php"}, {"php-stream", "php", "run.php"},
	} {
		programs = append(programs, p[0])
		interpreters[p[0]] = [2]string{p[1], p[2]}
	}
	f.clients = ordered(programs, func(program string) func(*visit) []command {
		return func(v *visit) []command {
			i := interpreters[program]
			return once(i[0], filepath.Join(v.work, i[1]), program, v.planFile())
		}
	})
	packages := map[string]string{"ruby-net-http": "ruby", "ruby-open-uri": "ruby", "perl-lwp": "libwww-perl", "perl-http-tiny": "perl", "perl-mojo": "libmojolicious-perl",
		"perl-mechanize": "libwww-mechanize-perl", "php-stream": "php-cli"}
	for i := range f.clients {
		c := &f.clients[i]
		c.version = c.program
		if p, ok := packages[c.program]; ok {
			c.version = p
		}
	}
	return f
}
