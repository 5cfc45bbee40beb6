package fetch

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"runtime/debug"
	"strconv"

	"github.com/headgate/headgate/bench/harness"
)

// process is a server in a process of its own and the connection to it.
type process struct {
	cmd *exec.Cmd
	*socket
}

// start starts a server that will listen at the path, and connects.
func start(cmd *exec.Cmd, path string) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s, err := dial(path)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return &process{cmd, s}, nil
}

func (p *process) close() {
	p.socket.close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

const serverRole = "features-server"

func init() { harness.RegisterChild(serverRole, serve) }

// serve is the design that headgate replaces: a daemon that keeps features in a Go map and speaks memcached's protocol on a Unix socket.
// Its arguments are the socket and the number of keys of each dimension.
func serve(args []string) error {
	keys, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	debug.SetGCPercent(20) // the map never changes: there is no garbage to leave room for
	rows := make(map[string][]byte, dimensions*keys)
	var name [16]byte
	for d := range dimensions {
		for i := range keys {
			key := keyOf(d, i)
			rows[string(appendHex(name[:0], key))] = appendRow(nil, key)
		}
	}
	listener, err := net.Listen("unix", args[0])
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerGets(connection, rows)
	}
}

// answerGets answers "get KEY KEY ..." lines until the connection ends.
func answerGets(connection net.Conn, rows map[string][]byte) {
	defer connection.Close()
	in, out := bufio.NewReader(connection), bufio.NewWriter(connection)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		for _, key := range splitKeys(line) {
			if row, ok := rows[string(key)]; ok {
				fmt.Fprintf(out, "VALUE %s 0 %d\r\n", key, len(row))
				_, _ = out.Write(row)
				_, _ = out.WriteString("\r\n")
			}
		}
		_, _ = out.WriteString("END\r\n")
		if out.Flush() != nil {
			return
		}
	}
}

// splitKeys returns the words after the first.
func splitKeys(line []byte) (keys [][]byte) {
	start := -1
	for i, c := range line {
		if c == ' ' || c == '\r' {
			if start >= 0 {
				keys = append(keys, line[start:i])
			}
			start = i + 1
		}
	}
	return keys
}

// makeServer waits until the server listens, which it does once its map is full.
func makeServer(dir string, keys int) (store, error) {
	path := dir + "/go.sock"
	cmd, err := harness.Child(serverRole, path, strconv.Itoa(keys))
	if err != nil {
		return nil, err
	}
	p, err := start(cmd, path)
	if err != nil {
		return nil, err
	}
	return &memcached{process: p}, nil
}
