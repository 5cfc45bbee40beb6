package forest

import "strconv"

// ParseCount returns a parameter that is a number from 0 to most.
func ParseCount(format string, parameters map[string]string, key string, most int) (int, error) {
	n, err := strconv.Atoi(parameters[key])
	switch {
	case err != nil || n < 0:
		return 0, Damaged(format, "%s is %q, expected 0 to %d", key, Clipped(parameters[key]), most)
	case n > most:
		return 0, Beyond(format, most, "%s is %q", key, parameters[key])
	}
	return n, nil
}
