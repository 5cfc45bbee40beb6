package main

import "path/filepath"

// golang are HTTP libraries of Go, and a library of Go that pretends to be a browser.
func golang() *family {
	return &family{name: "golang", number: 11, install: "golang/install.sh", clients: ordered([]string{"go-net-http", "go-net-http1", "go-fasthttp", "go-resty", "go-colly",
		"tls-client-chrome", "tls-client-firefox", "tls-client-safari"}, func(program string) func(*visit) []command {
		return func(v *visit) []command { return once(filepath.Join(v.work, "golang"), program, v.planFile()) }
	})}
}

// java are HTTP libraries of Java.
func java() *family {
	return &family{name: "java", number: 12, install: "java/install.sh", apt: []string{"openjdk-17-jdk-headless", "maven"}, clients: ordered([]string{"java-httpclient",
		"java-httpclient-http1", "java-urlconnection", "okhttp", "apache-httpclient5", "apache-httpclient4", "jsoup", "htmlunit"}, func(program string) func(*visit) []command {
		return func(v *visit) []command {
			classes := filepath.Join(v.work, "target", "classes")
			return once("sh", "-c", `exec java -XX:TieredStopAtLevel=1 -Djavax.net.ssl.trustStore=/etc/ssl/certs/java/cacerts -cp "$1:$(cat "$2")" Zoo "$3" "$4"`,
				"sh", classes, filepath.Join(v.work, "classpath"), program, v.planFile())
		}
	})}
}

// rust are HTTP libraries of Rust.
func rust() *family {
	return &family{name: "rust", number: 13, install: "rust/install.sh", clients: ordered([]string{"reqwest", "ureq"}, func(program string) func(*visit) []command {
		return func(v *visit) []command { return once(filepath.Join(v.work, "rust"), program, v.planFile()) }
	})}
}

// impersonators are libraries that pretend to be a browser, down to TLS and HTTP/2.
func impersonators() *family {
	f := &family{name: "impersonators", number: 14, install: "impersonators/install.sh", apt: []string{"python3", "python3-venv"}}
	f.clients = ordered([]string{"curl_cffi-chrome", "curl_cffi-firefox", "curl_cffi-safari", "curl_cffi-raw", "py-tls-client", "primp", "rnet"},
		func(program string) func(*visit) []command {
			venv := program
			if program[:min(9, len(program))] == "curl_cffi" {
				venv = "curl_cffi"
			}
			return func(v *visit) []command {
				return once(filepath.Join(v.work, venv, "bin", "python"), filepath.Join(v.work, "run.py"), program, v.planFile())
			}
		})
	return f
}
