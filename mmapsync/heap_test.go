package mmapsync

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// heap is a system whose files are heap memory: the race detector sees every access, any call can
// be made to fail or to be the last of its process, and a file is poisoned when its last name and
// its last mapping are gone, so that a mapping ended too early shows as a race or as a damaged
// snapshot.
type heap struct {
	mu    sync.Mutex
	nodes map[string]*heapNode

	mapped  int // mappings that exist now
	created int // files made so far
}

// mappedNow is the number of mappings that exist now. The collector ends some at any time.
func (h *heap) mappedNow() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mapped
}

// heapNode is a file on the heap, apart from its name.
type heapNode struct {
	memory   []byte
	named    bool
	owner    int
	mappings int
	locks    map[int64]*heapFile
	readers  map[int64]map[*heapFile]bool // who has a byte locked to read
}

// heapProcess is what one process sees of a heap.
type heapProcess struct {
	*heap
	files     []*heapFile
	hook      func(call, path string) error // before every call; an error is returned by it
	killAfter func()                        // after a rename
}

// heapFile is an open file of one process.
type heapFile struct {
	process *heapProcess
	node    *heapNode
	path    string
}

func newHeap() *heap { return &heap{nodes: map[string]*heapNode{}} }

func (h *heap) process() *heapProcess { return &heapProcess{heap: h} }

// die ends a process the way a kill does: locks and mappings go, memory stays as it is.
func (p *heapProcess) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.files {
		f.unlockAll()
	}
	p.hook = func(string, string) error { return errors.New("a dead process made a call") }
}

// crashPoint is the instruction after a call that has taken effect; here a process can be killed,
// but nothing can fail.
func (p *heapProcess) crashPoint() {
	if p.killAfter != nil {
		p.killAfter()
	}
}

func (p *heapProcess) before(call, path string) error {
	if p.hook == nil {
		return nil
	}
	return p.hook(call, path)
}

func (p *heapProcess) open(path string, _ mmap.Access) (file, error) {
	if err := p.before("open", path); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.nodes[path]
	if node == nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return p.opened(node, path), nil
}

func (p *heapProcess) opened(node *heapNode, path string) *heapFile {
	f := &heapFile{process: p, node: node, path: path}
	p.files = append(p.files, f)
	return f
}

func (p *heapProcess) create(path string, size int64, _ os.FileMode) (file, error) {
	if err := p.before("create", path); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nodes[path] != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	p.created++
	node := &heapNode{memory: mmap.Aligned(int(size)), named: true, locks: map[int64]*heapFile{},
		readers: map[int64]map[*heapFile]bool{}}
	p.nodes[path] = node
	return p.opened(node, path), nil
}

func (p *heapProcess) rename(from, to string) error {
	if err := p.before("rename", from); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.nodes[from]
	if node == nil {
		return &os.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if old := p.nodes[to]; old != nil {
		old.named = false
		old.poison()
	}
	delete(p.nodes, from)
	p.nodes[to] = node
	p.crashPoint()
	return nil
}

func (p *heapProcess) remove(path string) error {
	if err := p.before("remove", path); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.nodes[path]
	if node == nil {
		return &os.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	node.named = false
	node.poison()
	delete(p.nodes, path)
	return nil
}

func (p *heapProcess) exists(path string) (bool, error) {
	if err := p.before("exists", path); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nodes[path] != nil, nil
}

func (p *heapProcess) discard(path string) error { return unlessMissing(p.remove(path)) }

func (p *heapProcess) discardIrregular(string) error { return nil } // all files there are regular

func (p *heapProcess) setAside(path string) error {
	return unlessMissing(p.rename(path, path+".damaged"))
}

func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (p *heapProcess) irregular(path string) (bool, error) {
	return false, p.before("irregular", path)
}

func (n *heapNode) poison() {
	if n.named || n.mappings > 0 {
		return
	}
	for i := range n.memory {
		n.memory[i] = 0xdb
	}
}

func (p *heapProcess) user() int { return 0 }

func (f *heapFile) owner() int { return f.node.owner }

func (f *heapFile) huge() int64 { return 0 }

func (f *heapFile) size() int64 { return int64(len(f.node.memory)) }

func (f *heapFile) mapAll(mmap.Access) ([]byte, error) {
	if err := f.process.before("map", f.path); err != nil {
		return nil, err
	}
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	f.node.mappings++
	f.process.mapped++
	return f.node.memory, nil
}

func (f *heapFile) unmap([]byte) error {
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	f.node.mappings--
	f.process.mapped--
	f.node.poison()
	return nil
}

// lock and its like keep the first byte of a range, since ranges here are always the same.
func (f *heapFile) lock(offset, _ int64) error {
	if err := f.process.before("lock", f.path); err != nil {
		return err
	}
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	if f.taken(offset) || f.readByOthers(offset) {
		return mmap.ErrLocked
	}
	delete(f.node.readers, offset)
	f.node.locks[offset] = f
	return nil
}

func (f *heapFile) lockToRead(offset, _ int64) error {
	if err := f.process.before("lock", f.path); err != nil {
		return err
	}
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	if f.taken(offset) {
		return mmap.ErrLocked
	}
	delete(f.node.locks, offset)
	if f.node.readers[offset] == nil {
		f.node.readers[offset] = map[*heapFile]bool{}
	}
	f.node.readers[offset][f] = true
	return nil
}

// taken says whether another open file has the byte for itself.
func (f *heapFile) taken(offset int64) bool {
	owner := f.node.locks[offset]
	return owner != nil && owner != f
}

func (f *heapFile) readByOthers(offset int64) bool {
	for reader := range f.node.readers[offset] {
		if reader != f {
			return true
		}
	}
	return false
}

func (f *heapFile) unlock(offset, _ int64) error {
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	if f.node.locks[offset] == f {
		delete(f.node.locks, offset)
	}
	delete(f.node.readers[offset], f)
	return nil
}

func (f *heapFile) unlockAll() {
	for offset, owner := range f.node.locks {
		if owner == f {
			delete(f.node.locks, offset)
		}
	}
	for _, readers := range f.node.readers {
		delete(readers, f)
	}
}

func (f *heapFile) locked(offset, length int64) (from, size int64, ok bool) {
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	for at := offset; at < offset+length; at++ {
		if f.taken(at) || f.readByOthers(at) {
			return at, 1, true
		}
	}
	return 0, 0, false
}

func (f *heapFile) readLocked(offset int64) bool {
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	return f.readByOthers(offset)
}

func (f *heapFile) isAt(path string) (bool, error) {
	if err := f.process.before("isAt", path); err != nil {
		return false, err
	}
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	return f.process.nodes[path] == f.node, nil
}

func (f *heapFile) wholeAt(path string) (bool, error) { return f.isAt(path) }

func (f *heapFile) close() error {
	f.process.mu.Lock()
	defer f.process.mu.Unlock()
	f.unlockAll()
	return nil
}

// What follows opens readers and writers on a heap, and shortens tests.

func (p *heapProcess) writer(t *testing.T, opts WriterOptions) *Writer {
	t.Helper()
	w, err := openWriter(p, "table", opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// reader uses one slot, so that what happens to it can be foretold.
func (p *heapProcess) reader(t *testing.T) *Reader { t.Helper(); return p.readerOf(t, 1) }

func (p *heapProcess) readerOf(t *testing.T, slots int) *Reader {
	t.Helper()
	r, err := openReader(p, "table", ReaderOptions{Slots: slots})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// only is the slot that a Reader of one slot uses now.
func (r *Reader) only() *slot { return r.client.Load().lanes[0].Load() }

// expectMapped waits for the collector, which ends the mappings of closed Readers, until want are
// left.
func (h *heap) expectMapped(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		runtime.GC()
		if h.mappedNow() == want {
			return
		}
	}
	t.Errorf("%d mappings are left, want %d", h.mappedNow(), want)
}

func publish(t *testing.T, w *Writer, content string) Version {
	t.Helper()
	v, err := w.Publish([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func acquire(t *testing.T, r *Reader) Snapshot {
	t.Helper()
	s, err := r.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expect acquires and releases, and compares.
func expect(t *testing.T, r *Reader, want string) {
	t.Helper()
	s := acquire(t, r)
	defer s.Release()
	expectHeld(t, s, want)
}

func expectHeld(t *testing.T, s Snapshot, want string) {
	t.Helper()
	if got := string(s.Bytes()); got != want {
		t.Fatalf("snapshot holds %.40q, want %.40q", got, want)
	}
	if err := s.Verify(); err != nil && !errors.Is(err, ErrNotHashed) {
		t.Fatal(err)
	}
}
