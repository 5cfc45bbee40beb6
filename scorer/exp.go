package scorer

import "math"

// exp is the exponential function, the same bits on every architecture, and the nearest float64 in
// all but a few of a thousand cases. The C libraries that models are trained with are as accurate;
// math.Exp is off by up to one unit in the last place, which a sigmoid can turn into two or three.
//
// Tang's method (P. T. P. Tang, Table-driven implementation of the exponential function in IEEE
// floating-point arithmetic, ACM TOMS 15(2), 1989): x = k*ln(2)/32 + r, so that exp(x) = 2^(k/32) *
// exp(r), where a table has 2^(j/32) in two parts and r is at most 0.011, for which the first terms
// of the series suffice. What the larger sums and products round away is added last.
func exp(x float64) float64 {
	const (
		high    = 0x1.62e42feep-6       // ln(2)/32, so short that its product with k is exact
		low     = 0x1.a39ef35793c76p-38 // and what is missing
		inverse = 0x1.71547652b82fep+5
	)
	if !(x > -746 && x < 710) { // 0, +Inf or NaN
		return math.Exp(x)
	}
	// The conversions forbid fused multiply-adds, which would change the bits on processors that
	// have such instructions.
	k := math.RoundToEven(x * inverse)
	whole := x - float64(k*high)
	rest := float64(k * low)
	r := whole - rest
	lost := whole - r - rest
	q := 1. / 5040
	for _, c := range [...]float64{1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2} {
		q = float64(q*r) + c
	}
	lost += float64(float64(r*r) * q) // exp(r) is 1 + r + lost
	two := &powersOfTwo[int(k)&31]
	product := float64(two[0] * r)
	sum := two[0] + product
	lost = product - (sum - two[0]) +
		(math.FMA(two[0], r, -product) + float64(two[0]*lost) + two[1])
	return math.Ldexp(sum+lost, int(k)>>5)
}

// powersOfTwo are 2^(j/32): the float64, and its rounding error.
var powersOfTwo = [32][2]float64{
	{0x1.0000000000000p+0, 0x0.0p+0},
	{0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},
	{0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54},
	{0x1.11301d0125b51p+0, -0x1.6c51039449b3ap-54},
	{0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55},
	{0x1.1d4873168b9aap+0, 0x1.e016e00a2643cp-54},
	{0x1.2387a6e756238p+0, 0x1.9b07eb6c70573p-54},
	{0x1.29e9df51fdee1p+0, 0x1.612e8afad1255p-55},
	{0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55},
	{0x1.371a7373aa9cbp+0, -0x1.63aeabf42eae2p-54},
	{0x1.3dea64c123422p+0, 0x1.ada0911f09ebcp-55},
	{0x1.44e086061892dp+0, 0x1.89b7a04ef80d0p-59},
	{0x1.4bfdad5362a27p+0, 0x1.d4397afec42e2p-56},
	{0x1.5342b569d4f82p+0, -0x1.07abe1db13cadp-55},
	{0x1.5ab07dd485429p+0, 0x1.6324c054647adp-54},
	{0x1.6247eb03a5585p+0, -0x1.383c17e40b497p-54},
	{0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54},
	{0x1.71f75e8ec5f74p+0, -0x1.16e4786887a99p-55},
	{0x1.7a11473eb0187p+0, -0x1.41577ee04992fp-55},
	{0x1.82589994cce13p+0, -0x1.d4c1dd41532d8p-54},
	{0x1.8ace5422aa0dbp+0, 0x1.6e9f156864b27p-54},
	{0x1.93737b0cdc5e5p+0, -0x1.75fc781b57ebcp-57},
	{0x1.9c49182a3f090p+0, 0x1.c7c46b071f2bep-56},
	{0x1.a5503b23e255dp+0, -0x1.d2f6edb8d41e1p-54},
	{0x1.ae89f995ad3adp+0, 0x1.7a1cd345dcc81p-54},
	{0x1.b7f76f2fb5e47p+0, -0x1.5584f7e54ac3bp-56},
	{0x1.c199bdd85529cp+0, 0x1.11065895048ddp-55},
	{0x1.cb720dcef9069p+0, 0x1.503cbd1e949dbp-56},
	{0x1.d5818dcfba487p+0, 0x1.2ed02d75b3707p-55},
	{0x1.dfc97337b9b5fp+0, -0x1.1a5cd4f184b5cp-54},
	{0x1.ea4afa2a490dap+0, -0x1.e9c23179c2893p-54},
	{0x1.f50765b6e4540p+0, 0x1.9d3e12dd8a18bp-54},
}
