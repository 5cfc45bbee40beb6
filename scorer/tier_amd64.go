package scorer

import "golang.org/x/sys/cpu"

// machineTiers reads the features of the processor. The flags of package cpu are off if the
// operating system does not save the registers.
func machineTiers() []Tier {
	tiers := []Tier{TierGo}
	if cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT {
		tiers = append(tiers, TierAVX2)
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512CD &&
			cpu.X86.HasAVX512VBMI {
			tiers = append(tiers, TierAVX512)
		}
	}
	return tiers
}
