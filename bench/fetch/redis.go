package fetch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"

	"github.com/headgate/headgate/bench/harness"
)

// redis is a client of Redis's protocol, RESP2. Keys are 8 bytes.
type redis struct {
	*process
	request []byte
}

func makeRedis(dir string, keys int) (store, error) {
	program, err := harness.FindInstalled("redis-server")
	if err != nil {
		return nil, err
	}
	path := dir + "/redis.sock"
	p, err := start(exec.Command(program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", dir), path)
	if err != nil {
		return nil, err
	}
	s := &redis{process: p}
	if err := s.load(keys); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func appendBulk(b []byte, value []byte) []byte {
	b = fmt.Appendf(b, "$%d\r\n", len(value))
	return append(append(b, value...), '\r', '\n')
}

// load sets every row, a batch of them in one write and their answers in one go.
func (s *redis) load(keys int) error {
	const batch = 256
	var request, row []byte
	pending := 0
	flush := func() error {
		if err := s.write(request); err != nil {
			return err
		}
		for ; pending > 0; pending-- {
			if line, err := s.line(); err != nil || !bytes.Equal(line, []byte("+OK")) {
				return fmt.Errorf("answer %q to a row: %w", line, err)
			}
		}
		request = request[:0]
		return nil
	}
	for d := range dimensions {
		for i := range keys {
			key := keyOf(d, i)
			row = appendRow(row[:0], key)
			request = append(request, "*3\r\n$3\r\nSET\r\n"...)
			request = appendBulk(appendBulk(request, binary.LittleEndian.AppendUint64(nil, key)), row)
			if pending++; pending == batch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// fetch is one MGET.
func (s *redis) fetch(keys *[dimensions]uint64, dst []float32, _ int64) error {
	s.request = fmt.Appendf(s.request[:0], "*%d\r\n$4\r\nMGET\r\n", 1+dimensions)
	for _, key := range keys {
		s.request = append(s.request, "$8\r\n"...)
		s.request = append(binary.LittleEndian.AppendUint64(s.request, key), '\r', '\n')
	}
	if err := s.write(s.request); err != nil {
		return err
	}
	if line, err := s.line(); err != nil || len(line) == 0 || line[0] != '*' {
		return fmt.Errorf("answer %q to MGET: %w", line, err)
	}
	for d := range dimensions {
		line, err := s.line()
		if err != nil {
			return err
		}
		if string(line) != "$128" {
			return fmt.Errorf("answer %q for key %#x", line, keys[d])
		}
		row, err := s.block(rowSize)
		if err != nil {
			return err
		}
		decodeRow(dst[d*columns:(d+1)*columns], row)
	}
	return nil
}
