//go:build !linux

package mmap

import "os"

func open(string, Access) (*os.File, error)              { return nil, ErrUnsupported }
func owner(os.FileInfo) int                              { return -1 }
func group(os.FileInfo) int                              { return -1 }
func reserve(*os.File, int64, int64) error               { return ErrUnsupported }
func reserveHuge(*os.File, int64) int64                  { return 0 }
func mapFile(*os.File, int, Access) ([]byte, error)      { return nil, ErrUnsupported }
func unmapFile([]byte) error                             { return ErrUnsupported }
func lockByte(*os.File, int64) error                     { return ErrUnsupported }
func readLocked(*os.File, int64) bool                    { return false }
func unlockByte(*os.File, int64) error                   { return ErrUnsupported }
func lockRange(*os.File, int64, int64) error             { return ErrUnsupported }
func lockRangeToRead(*os.File, int64, int64) error       { return ErrUnsupported }
func unlockRange(*os.File, int64, int64) error           { return ErrUnsupported }
func locked(*os.File, int64, int64) (int64, int64, bool) { return 0, 0, false }
func room(string) (Room, error)                          { return Room{}, ErrUnsupported }
