package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const head = `headgate

Licensed under the Apache License, Version 2.0: see LICENSE.

A headgate binary contains the Go standard library and packages of the modules below, under their own licences. Where a
licence is the Apache License, Version 2.0, its text is that of LICENSE. go run ./tools/notice prints this file.
`

// part is one entry of the notice: who it is about, and the texts that hold for it.
type part struct {
	name  string
	texts []string
}

func writeNotice(w io.Writer, root string) error {
	parts, err := collect(root)
	if err != nil {
		return err
	}
	apache, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(head)
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s\n%s\n", strings.Repeat("=", 80), p.name)
		for _, text := range p.texts {
			if isApache(text, string(apache)) {
				text = "Apache License, Version 2.0"
			}
			fmt.Fprintf(&b, "\n%s\n", strings.Trim(plain(text), "\n"))
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// collect returns a part for Go and one for each module, with each of its licences once.
func collect(root string) ([]part, error) {
	parts, err := collectGo()
	if err != nil {
		return nil, err
	}
	packages, err := contained(root)
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		files, err := p.licenceFiles()
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: no licence in %s or above it", p.module, p.dir)
		}
		if parts[len(parts)-1].name != p.module {
			parts = append(parts, part{name: p.module})
		}
		if err := parts[len(parts)-1].add(files); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func collectGo() ([]part, error) {
	goRoot, err := goCommand(nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	library := part{name: "The Go standard library"}
	err = library.add([]string{filepath.Join(strings.TrimSpace(goRoot), "LICENSE")})
	return []part{library}, err
}

func (p *part) add(files []string) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !slices.Contains(p.texts, string(text)) {
			p.texts = append(p.texts, string(text))
		}
	}
	return nil
}

// isApache reports whether a text is that of the Apache License, with any name at its end and in any layout.
func isApache(text, apache string) bool {
	const end = "END OF TERMS AND CONDITIONS"
	terms, _, ok := strings.Cut(text, end)
	wanted, _, _ := strings.Cut(apache, end)
	return ok && slices.Equal(strings.Fields(terms), strings.Fields(wanted))
}

// plain returns a text with line feeds alone, and without spaces at the ends of lines.
func plain(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f")
	}
	return strings.Join(lines, "\n")
}
