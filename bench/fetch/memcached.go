package fetch

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/headgate/headgate/bench/harness"
)

// memcached is a client of memcached's text protocol.
type memcached struct {
	*process
	request []byte
}

const hexDigits = "0123456789abcdef"

// appendHex writes a key as 16 hexadecimal digits.
func appendHex(b []byte, key uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[key>>shift&15])
	}
	return b
}

func makeMemcached(dir string, keys int) (store, error) {
	program, err := harness.FindInstalled("memcached")
	if err != nil {
		return nil, err
	}
	path := dir + "/memcached.sock"
	megabytes := 64 + dimensions*keys*300>>20
	p, err := start(exec.Command(program, "-u", "root", "-s", path, "-m", strconv.Itoa(megabytes), "-t", "1", "-M"), path)
	if err != nil {
		return nil, err
	}
	m := &memcached{process: p}
	if err := m.load(keys); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// load sets every row without waiting for each, and then waits for all.
func (m *memcached) load(keys int) error {
	var batch []byte
	for d := range dimensions {
		for i := range keys {
			key := keyOf(d, i)
			batch = fmt.Appendf(appendHex(append(batch, "set "...), key), " 0 0 %d noreply\r\n", rowSize)
			batch = append(appendRow(batch, key), '\r', '\n')
			if len(batch) > 1<<20 {
				if err := m.write(batch); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
	}
	if err := m.write(append(batch, "version\r\n"...)); err != nil {
		return err
	}
	line, err := m.line()
	if err == nil && !bytes.HasPrefix(line, []byte("VERSION")) {
		err = fmt.Errorf("memcached answered %q to the rows", line)
	}
	return err
}

// fetch gets all keys in one round trip. The values come in the order of the keys.
func (m *memcached) fetch(keys *[dimensions]uint64, dst []float32, _ int64) error {
	m.request = append(m.request[:0], "get"...)
	for _, key := range keys {
		m.request = appendHex(append(m.request, ' '), key)
	}
	m.request = append(m.request, '\r', '\n')
	if err := m.write(m.request); err != nil {
		return err
	}
	for d := 0; ; d++ {
		line, err := m.line()
		if err != nil {
			return err
		}
		if len(line) == 3 { // END
			if d != dimensions {
				return fmt.Errorf("%d of %d keys were found", d, dimensions)
			}
			return nil
		}
		row, err := m.block(rowSize)
		if err != nil {
			return err
		}
		decodeRow(dst[d*columns:(d+1)*columns], row)
	}
}
