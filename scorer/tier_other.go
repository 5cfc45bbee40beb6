//go:build !amd64

package scorer

func machineTiers() []Tier { return []Tier{TierGo} }
