package ipc

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/headgate/headgate/mmapsync"
)

// snapshots are a link over two paths of mmapsync: each side publishes its messages under a path of its own and watches the other's. This is
// not what snapshots are for (nobody waits for one), but it shows what they cost.
type snapshots struct {
	out  *mmapsync.Writer
	in   *mmapsync.Reader
	last mmapsync.Version
}

func snapshotPaths(dir string) [2]string {
	return [2]string{filepath.Join(dir, "asking"), filepath.Join(dir, "answering")}
}

// makeSnapshots lays the files of both paths, so that neither side has to wait for the other's.
func makeSnapshots(dir string) ([]*os.File, error) {
	for _, path := range snapshotPaths(dir) {
		w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
		if err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func openSnapshots(dir string, r role, _ []*os.File) (link, error) {
	paths := snapshotPaths(dir)
	out, err := mmapsync.OpenWriter(paths[r], mmapsync.WriterOptions{})
	if err != nil {
		return nil, err
	}
	in, err := mmapsync.OpenReader(paths[1-r], mmapsync.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	return &snapshots{out: out, in: in}, nil
}

func (s *snapshots) send(message []byte) error {
	_, err := s.out.Publish(message)
	return err
}

// receive waits for a version other than the last.
func (s *snapshots) receive(message []byte) error {
	for n := 1; ; n++ {
		snapshot, err := s.in.Acquire()
		switch {
		case errors.Is(err, mmapsync.ErrNotPublished):
		case err != nil:
			return err
		case snapshot.Version() != s.last:
			s.last = snapshot.Version()
			copy(message, snapshot.Bytes())
			snapshot.Release()
			return nil
		default:
			snapshot.Release()
		}
		if n%4096 == 0 {
			runtime.Gosched()
		}
	}
}

func (s *snapshots) close() error { return errors.Join(s.out.Close(), s.in.Close()) }
