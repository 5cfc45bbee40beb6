package scorer

// pathStep is a player on the way from the root to a node: which part of the training rows would go this way if the player were
// unknown, whether the row does (1 or 0), and TreeSHAP's weight of the subsets of as many players as there are steps before.
type pathStep struct {
	player    int32
	zero, one float64
	weight    float64
}

// noPlayer stands at the root.
const noPlayer = -1

// explainTree adds the values of the tree in hand.
func (s *shapley) explainTree() {
	if len(s.tree) == 1 {
		s.mean += s.tree[0].value
		return
	}
	s.descend(0, 0, nil, pathStep{player: noPlayer, zero: 1, one: 1}, 1)
}

// descend extends a copy of the path by a step and follows it to all leaves below node at. share is the part of the training rows that
// get there.
func (s *shapley) descend(at int32, level int, above []pathStep, step pathStep, share float64) {
	room := s.path[level*s.levels:][:0:s.levels]
	path := extend(append(room, above...), step)
	n := &s.tree[at]
	if n.taken == 0 {
		s.mean += share * n.value
		for i := 1; i < len(path); i++ {
			s.values[path[i].player] += unwoundWeight(path, i) * (path[i].one - path[i].zero) * n.value
		}
		return
	}
	zero, one := 1.0, 1.0
	for i := 1; i < len(path); i++ {
		if path[i].player == n.player { // asked before: both answers count as one
			zero, one = path[i].zero, path[i].one
			path = unwind(path, i)
			break
		}
	}
	for _, child := range [2]int32{n.taken, n.other} {
		part := 0.5 // a branch that no training row reached says nothing
		if n.weight > 0 {
			part = s.tree[child].weight / n.weight
		}
		goes := one
		if child == n.other {
			goes = 0
		}
		if zero*part != 0 || goes != 0 {
			s.descend(child, level+1, path, pathStep{player: n.player, zero: zero * part, one: goes}, share*part)
		}
	}
}

// extend adds a step: the weights of subsets with and without its player.
func extend(path []pathStep, step pathStep) []pathStep {
	last := len(path)
	path = append(path, step)
	if last == 0 {
		path[0].weight = 1
	}
	length := float64(last + 1)
	for i := last - 1; i >= 0; i-- {
		path[i+1].weight += step.one * path[i].weight * float64(i+1) / length
		path[i].weight = step.zero * path[i].weight * float64(last-i) / length
	}
	return path
}

// unwind takes step i out again.
func unwind(path []pathStep, i int) []pathStep {
	last := len(path) - 1
	zero, one := path[i].zero, path[i].one
	next, length := path[last].weight, float64(last+1)
	for j := last - 1; j >= 0; j-- {
		if one != 0 {
			weight := path[j].weight
			path[j].weight = next * length / (float64(j+1) * one)
			next = weight - path[j].weight*zero*float64(last-j)/length
		} else {
			path[j].weight = path[j].weight * length / (zero * float64(last-j))
		}
	}
	for j := i; j < last; j++ {
		path[j].player, path[j].zero, path[j].one = path[j+1].player, path[j+1].zero, path[j+1].one
	}
	return path[:last]
}

// unwoundWeight is the sum of the weights that the path would have without step i.
func unwoundWeight(path []pathStep, i int) float64 {
	last := len(path) - 1
	zero, one := path[i].zero, path[i].one
	total, next, length := 0.0, path[last].weight, float64(last+1)
	for j := last - 1; j >= 0; j-- {
		if one != 0 {
			weight := next * length / (float64(j+1) * one)
			total += weight
			next = path[j].weight - weight*zero*float64(last-j)/length
		} else {
			total += path[j].weight * length / (zero * float64(last-j))
		}
	}
	return total
}
