package scorer

// Shapley values of a tree, by an integral.
//
// If every player is known with probability t, independently, a row reaches a leaf with the
// probability
//
//	P(t) = product over the players on the leaf's way of zero*(1-t) + one*t
//
// where one is whether the row itself takes that path (1 or 0), and zero is the part of the
// training rows that do. The expected output of the tree is the sum over the leaves of value*P(t):
// the multilinear extension of the game on its diagonal. The Shapley value of a player is the
// integral of its derivative by that player's probability, from t = 0 to 1 (G. Owen, Multilinear
// Extensions of Games, 1972). A leaf adds value * P(t) * (one-zero) / (zero*(1-t)+one*t) to it.
//
// That is a polynomial of a lower degree than there are players on the path, and Gauss-Legendre
// quadrature by half as many points computes its integral exactly. The leaves below a split are not
// distinguished: their value*P(t) are added up, so that a split takes as many steps as there are
// points (P. Yu, C. Xu, A. Bifet, J. Read, Linear TreeShap, 2022, which interpolates). TreeSHAP's
// own algorithm takes the square of that for each leaf, and removes players from sums again, which
// loses a digit for every few players: see docs/decisions/0013. Here no summand is larger than
// twice the largest leaf.

// odds are those of a player on the path to a node: see above.
type odds struct{ zero, one float64 }

// known are the odds of a player that no split on the path compares.
var known = odds{1, 1}

// at returns the probability that the player takes this path. The conversions forbid fused
// multiply-adds, so that all architectures agree.
func (o odds) at(p gaussNode) float64 { return float64(o.zero*p.rest) + float64(o.one*p.t) }

// moves returns the player's share of a leaf's value.
func (o odds) moves(p gaussNode) float64 { return (o.one - o.zero) / o.at(p) }

// negligible is the part of the training rows below which a path counts as not taken: its share is
// lost in rounding, and smaller numbers are inexact.
const negligible = 1e-280

// explainTree adds the values of the current tree.
func (s *shapley) explainTree(depth int) {
	for len(s.levels) <= depth {
		s.levels = append(s.levels, shapleyLevel{})
	}
	rule := s.rule((min(depth, len(s.players)) + 1) / 2)
	for len(rule) > 0 {
		some := rule[:min(len(rule), pointsAtOnce)]
		rule = rule[len(some):]
		for i := range some {
			s.levels[0].above[i] = 1
		}
		s.descend(0, 0, true, some)
	}
	s.average(0, 1)
}

// rule returns a quadrature rule for polynomials of degree 2*points-1.
func (s *shapley) rule(points int) []gaussNode {
	if points > pointsAtOnce { // some more points than necessary, so that there are not many rules
		points = (points + pointsAtOnce - 1) / pointsAtOnce * pointsAtOnce
	}
	rule, ok := s.rules[points]
	if !ok {
		rule = gaussLegendre(points)
		s.rules[points] = rule
	}
	return rule
}

// pointsAtOnce is enough for trees of depth 32. Deeper ones are traversed several times.
const pointsAtOnce = 16

// shapleyLevel holds, for the current node at a level of a tree and some points of a rule, the
// probability of the path to the node, and the sum of value times probability of the leaves below
// it.
type shapleyLevel struct{ above, below [pointsAtOnce]float64 }

// descend adds the values of the players of the splits below node at. own is whether the row itself
// passes the node.
func (s *shapley) descend(at int32, level int, own bool, rule []gaussNode) {
	n, here := &s.tree[at], &s.levels[level]
	if n.next == 0 {
		for i := range rule {
			here.below[i] = here.above[i] * n.value
		}
		return
	}
	clear(here.below[:len(rule)])
	next := &s.levels[level+1]
	old := s.odds[n.player]
	for _, child := range [2]int32{n.next, n.other} {
		now := odds{zero: old.zero * s.part(n, child)}
		if child == n.next {
			now.one = old.one
		}
		ownChild := own && child == n.next
		if now.one == 0 && now.zero < negligible || s.skipped(child) && !ownChild {
			continue
		}
		for i, p := range rule {
			next.above[i] = here.above[i] * now.at(p) / old.at(p)
		}
		s.odds[n.player] = now
		s.descend(child, level+1, ownChild, rule)
		value := 0.0
		for i, p := range rule {
			here.below[i] += next.below[i]
			// The share that an earlier split on the same player added for these leaves is
			// subtracted: both splits count as one.
			value += float64(p.weight * next.below[i] * (now.moves(p) - old.moves(p)))
		}
		s.values[n.player] += value
	}
	s.odds[n.player] = old
}

// skipped reports whether CatBoost's explanation omits the leaves below a node, since it has no
// training rows. Such leaves are 0, unless there are monotone constraints.
func (s *shapley) skipped(at int32) bool {
	const none = 1e-13 // as CatBoost has it
	return s.skipsEmpty && s.tree[at].weight <= none
}

// part returns the part of a node's training rows that a child has.
func (s *shapley) part(n *shapleyNode, child int32) float64 {
	if n.weight > 0 {
		return s.tree[child].weight / n.weight
	}
	return 0.5 // no training row reached the node
}

// average adds the average of the leaves below a node that a share of the training rows reaches.
func (s *shapley) average(at int32, share float64) {
	n := &s.tree[at]
	if n.next == 0 {
		s.mean += float64(share * n.value)
		return
	}
	s.average(n.next, share*s.part(n, n.next))
	s.average(n.other, share*s.part(n, n.other))
}
