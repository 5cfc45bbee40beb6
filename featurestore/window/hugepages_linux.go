package window

import "syscall"

// madvHugepage is MADV_HUGEPAGE (Linux 2.6.38).
const madvHugepage = 14

// adviseHuge asks for huge pages where the system has them for processes that ask. Nothing depends
// on the answer.
func adviseHuge(pages []byte) {
	if len(pages) > 0 {
		_ = syscall.Madvise(pages, madvHugepage)
	}
}
