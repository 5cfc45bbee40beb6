package hostdir

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/headgate/headgate/internal/base/mmap"
)

// Owners are the ids of the users who are trusted with a headgate directory and with every
// directory above it.
type Owners []int

// NewOwners returns root, the user that this process runs as and, unless it is empty, a named one:
// a name or a number.
func NewOwners(named string) (Owners, error) {
	owners := Owners{0, os.Geteuid()}
	if named == "" {
		return owners, nil
	}
	number, err := strconv.ParseUint(named, 10, 31)
	if err == nil {
		return append(owners, int(number)), nil
	}
	u, err := user.Lookup(named)
	if err != nil {
		return nil, fmt.Errorf(
			"directory owner %q: no such user (give a name or a number of this system)", named)
	}
	if number, err = strconv.ParseUint(u.Uid, 10, 31); err != nil {
		return nil, fmt.Errorf("directory owner %q: its number is %q, want a user of a Unix system",
			named, u.Uid)
	}
	return append(owners, int(number)), nil
}

// trust reports whether a file belongs to one of the owners. If the system has no owners, it does.
func (o Owners) trust(info os.FileInfo) bool {
	owner := mmap.Owner(info)
	return owner < 0 || slices.Contains(o, owner)
}

// describe returns a user's number, and the name if there is one.
func describe(number int) string {
	if u, err := user.LookupId(strconv.Itoa(number)); err == nil {
		return fmt.Sprintf("%d (%s)", number, u.Username)
	}
	return strconv.Itoa(number)
}
