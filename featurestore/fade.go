package featurestore

import (
	"math"
	"time"
)

// fadeRate is a time constant as fade takes it: the number of steps per nanosecond, of which 256
// halve a value.
type fadeRate float64

func newFadeRate(tau time.Duration) fadeRate { return fadeRate(fadeSteps * math.Log2E / float64(tau)) }

// fade returns exp(-elapsed/tau) as 2^-(n/256) * 2^-(r/256): the integer n by a table and a shift
// of the exponent, and r, which is below 1, by a polynomial whose next term is below 4e-9. elapsed
// must not be negative. The conversions make the compiler round each product and sum separately,
// which it could otherwise fuse on some processors: a table published on one machine must read the
// same on all. A request calls this about twenty times.
func fade(elapsed float64, rate fadeRate) float32 {
	x := elapsed * float64(rate)
	if x >= fadeEnd {
		return 0
	}
	n := int64(x)
	r := x - float64(n)
	p := float64(1 + float64(r*float64(fadeLinear+float64(r*fadeSquare))))
	return float32(math.Float64frombits(fadeTable[uint8(n)]-uint64(n>>8)<<52) * p)
}

const (
	fadeSteps  = 256
	fadeEnd    = 150 * fadeSteps // less than half of the smallest float32
	fadeLinear = -math.Ln2 / fadeSteps
	fadeSquare = fadeLinear * fadeLinear / 2
)

// fadeTable holds the bits of 2^(-i/256), rounded to float64.
var fadeTable = [fadeSteps]uint64{
	0x3ff0000000000000, 0x3fefe9d96b2a23d9, 0x3fefd3c22b8f71f1, 0x3fefbdba3692d514,
	0x3fefa7c1819e90d8, 0x3fef91d802243c89, 0x3fef7bfdad9cbe14, 0x3fef6632798844f8,
	0x3fef50765b6e4540, 0x3fef3ac948dd7274, 0x3fef252b376bba97, 0x3fef0f9c1cb6412a,
	0x3feefa1bee615a27, 0x3feee4aaa2188510, 0x3feecf482d8e67f1, 0x3feeb9f4867cca6e,
	0x3feea4afa2a490da, 0x3fee8f7977cdb740, 0x3fee7a51fbc74c83, 0x3fee653924676d76,
	0x3fee502ee78b3ff6, 0x3fee3b333b16ee12, 0x3fee264614f5a129, 0x3fee11676b197d17,
	0x3fedfc97337b9b5f, 0x3fede7d5641c0658, 0x3fedd321f301b460, 0x3fedbe7cd63a8315,
	0x3feda9e603db3285, 0x3fed955d71ff6075, 0x3fed80e316c98398, 0x3fed6c76e862e6d3,
	0x3fed5818dcfba487, 0x3fed43c8eacaa1d6, 0x3fed2f87080d89f2, 0x3fed1b532b08c968,
	0x3fed072d4a07897c, 0x3fecf3155b5bab74, 0x3fecdf0b555dc3fa, 0x3feccb0f2e6d1675,
	0x3fecb720dcef9069, 0x3feca3405751c4db, 0x3fec8f6d9406e7b5, 0x3fec7ba88988c933,
	0x3fec67f12e57d14b, 0x3fec544778fafb22, 0x3fec40ab5fffd07a, 0x3fec2d1cd9fa652c,
	0x3fec199bdd85529c, 0x3fec06286141b33d, 0x3febf2c25bd71e09, 0x3febdf69c3f3a207,
	0x3febcc1e904bc1d2, 0x3febb8e0b79a6f1f, 0x3feba5b030a1064a, 0x3feb928cf22749e4,
	0x3feb7f76f2fb5e47, 0x3feb6c6e29f1c52a, 0x3feb59728de5593a, 0x3feb468415b749b1,
	0x3feb33a2b84f15fb, 0x3feb20ce6c9a8952, 0x3feb0e07298db666, 0x3feafb4ce622f2ff,
	0x3feae89f995ad3ad, 0x3fead5ff3a3c2774, 0x3feac36bbfd3f37a, 0x3feab0e521356eba,
	0x3fea9e6b5579fdbf, 0x3fea8bfe53c12e59, 0x3fea799e1330b358, 0x3fea674a8af46052,
	0x3fea5503b23e255d, 0x3fea42c980460ad8, 0x3fea309bec4a2d33, 0x3fea1e7aed8eb8bb,
	0x3fea0c667b5de565, 0x3fe9fa5e8d07f29e, 0x3fe9e86319e32323, 0x3fe9d674194bb8d5,
	0x3fe9c49182a3f090, 0x3fe9b2bb4d53fe0d, 0x3fe9a0f170ca07ba, 0x3fe98f33e47a22a2,
	0x3fe97d829fde4e50, 0x3fe96bdd9a7670b3, 0x3fe95a44cbc8520f, 0x3fe948b82b5f98e5,
	0x3fe93737b0cdc5e5, 0x3fe925c353aa2fe2, 0x3fe9145b0b91ffc6, 0x3fe902fed0282c8a,
	0x3fe8f1ae99157736, 0x3fe8e06a5e0866d9, 0x3fe8cf3216b5448c, 0x3fe8be05bad61778,
	0x3fe8ace5422aa0db, 0x3fe89bd0a478580f, 0x3fe88ac7d98a6699, 0x3fe879cad931a436,
	0x3fe868d99b4492ed, 0x3fe857f4179f5b21, 0x3fe8471a4623c7ad, 0x3fe8364c1eb941f7,
	0x3fe82589994cce13, 0x3fe814d2add106d9, 0x3fe80427543e1a12, 0x3fe7f3878491c491,
	0x3fe7e2f336cf4e62, 0x3fe7d26a62ff86f0, 0x3fe7c1ed0130c132, 0x3fe7b17b0976cfdb,
	0x3fe7a11473eb0187, 0x3fe790b938ac1cf6, 0x3fe780694fde5d3f, 0x3fe77024b1ab6e09,
	0x3fe75feb564267c9, 0x3fe74fbd35d7cbfd, 0x3fe73f9a48a58174, 0x3fe72f8286ead08a,
	0x3fe71f75e8ec5f74, 0x3fe70f7466f42e87, 0x3fe6ff7df9519484, 0x3fe6ef9298593ae5,
	0x3fe6dfb23c651a2f, 0x3fe6cfdcddd47645, 0x3fe6c012750bdabf, 0x3fe6b052fa75173e,
	0x3fe6a09e667f3bcd, 0x3fe690f4b19e9538, 0x3fe68155d44ca973, 0x3fe671c1c70833f6,
	0x3fe6623882552225, 0x3fe652b9febc8fb7, 0x3fe6434634ccc320, 0x3fe633dd1d1929fd,
	0x3fe6247eb03a5585, 0x3fe6152ae6cdf6f4, 0x3fe605e1b976dc09, 0x3fe5f6a320dceb71,
	0x3fe5e76f15ad2148, 0x3fe5d84590998b93, 0x3fe5c9268a5946b7, 0x3fe5ba11fba87a03,
	0x3fe5ab07dd485429, 0x3fe59c0827ff07cc, 0x3fe58d12d497c7fd, 0x3fe57e27dbe2c4cf,
	0x3fe56f4736b527da, 0x3fe56070dde910d2, 0x3fe551a4ca5d920f, 0x3fe542e2f4f6ad27,
	0x3fe5342b569d4f82, 0x3fe5257de83f4eef, 0x3fe516daa2cf6642, 0x3fe508417f4531ee,
	0x3fe4f9b2769d2ca7, 0x3fe4eb2d81d8abff, 0x3fe4dcb299fddd0d, 0x3fe4ce41b817c114,
	0x3fe4bfdad5362a27, 0x3fe4b17dea6db7d7, 0x3fe4a32af0d7d3de, 0x3fe494e1e192aed2,
	0x3fe486a2b5c13cd0, 0x3fe4786d668b3237, 0x3fe46a41ed1d0057, 0x3fe45c2042a7d232,
	0x3fe44e086061892d, 0x3fe43ffa3f84b9d4, 0x3fe431f5d950a897, 0x3fe423fb2709468a,
	0x3fe4160a21f72e2a, 0x3fe40822c367a024, 0x3fe3fa4504ac801c, 0x3fe3ec70df1c5175,
	0x3fe3dea64c123422, 0x3fe3d0e544ede173, 0x3fe3c32dc313a8e5, 0x3fe3b57fbfec6cf4,
	0x3fe3a7db34e59ff7, 0x3fe39a401b7140ef, 0x3fe38cae6d05d866, 0x3fe37f26231e754a,
	0x3fe371a7373aa9cb, 0x3fe36431a2de883b, 0x3fe356c55f929ff1, 0x3fe3496266e3fa2d,
	0x3fe33c08b26416ff, 0x3fe32eb83ba8ea32, 0x3fe32170fc4cd831, 0x3fe31432edeeb2fd,
	0x3fe306fe0a31b715, 0x3fe2f9d24abd886b, 0x3fe2ecafa93e2f56, 0x3fe2df961f641589,
	0x3fe2d285a6e4030b, 0x3fe2c57e39771b2f, 0x3fe2b87fd0dad990, 0x3fe2ab8a66d10f13,
	0x3fe29e9df51fdee1, 0x3fe291ba7591bb70, 0x3fe284dfe1f56381, 0x3fe2780e341ddf29,
	0x3fe26b4565e27cdd, 0x3fe25e85711ece75, 0x3fe251ce4fb2a63f, 0x3fe2451ffb82140a,
	0x3fe2387a6e756238, 0x3fe22bdda27912d1, 0x3fe21f49917ddc96, 0x3fe212be3578a819,
	0x3fe2063b88628cd6, 0x3fe1f9c18438ce4d, 0x3fe1ed5022fcd91d, 0x3fe1e0e75eb44027,
	0x3fe1d4873168b9aa, 0x3fe1c82f95281c6b, 0x3fe1bbe084045cd4, 0x3fe1af99f8138a1c,
	0x3fe1a35beb6fcb75, 0x3fe1972658375d2f, 0x3fe18af9388c8dea, 0x3fe17ed48695bbc0,
	0x3fe172b83c7d517b, 0x3fe166a45471c3c2, 0x3fe15a98c8a58e51, 0x3fe14e95934f312e,
	0x3fe1429aaea92de0, 0x3fe136a814f204ab, 0x3fe12abdc06c31cc, 0x3fe11edbab5e2ab6,
	0x3fe11301d0125b51, 0x3fe1073028d7233e, 0x3fe0fb66affed31b, 0x3fe0efa55fdfa9c5,
	0x3fe0e3ec32d3d1a2, 0x3fe0d83b23395dec, 0x3fe0cc922b7247f7, 0x3fe0c0f145e46c85,
	0x3fe0b5586cf9890f, 0x3fe0a9c79b1f3919, 0x3fe09e3ecac6f383, 0x3fe092bdf66607e0,
	0x3fe0874518759bc8, 0x3fe07bd42b72a836, 0x3fe0706b29ddf6de, 0x3fe0650a0e3c1f89,
	0x3fe059b0d3158574, 0x3fe04e5f72f654b1, 0x3fe04315e86e7f85, 0x3fe037d42e11bbcc,
	0x3fe02c9a3e778061, 0x3fe02168143b0281, 0x3fe0163da9fb3335, 0x3fe00b1afa5abcbf,
}
