package scorer

import "math"

// walker finds the leaves of ordinary binary trees, in pure Go. What a split compares is an order key, as in forest; a row is
// translated to keys once, where what is missing becomes a key below or above all borders, so that a step needs no branch.
//
// A node is one word, and children are neighbours behind their parent, so that a step is a load of the node, a load of the key,
// a subtraction and two additions:
//
//	bits  0..14  column of the key
//	bit   15     the column holds 32 memberships of categories, and border is the number of one
//	bits 16..31  distance to the left child; the right one follows it
//	bits 32..63  border: right if the key is greater. For a leaf: its number
//
// A leaf is a node of distance 0 in the column that is below every border: a walk that arrives stays. So several trees can be
// walked in step, which hides the latency of the loads; trees of similar depth are walked together, and their leaves are noted
// down and added up later, in the order of the trees.
type walker struct {
	nodes   []uint64
	blocks  []walkBlock
	trees   int
	members bool // some column holds memberships
}

// walkBlock is a number of trees that are walked in step.
type walkBlock struct {
	roots [walkWidth]uint32 // positions of the roots; the last block repeats one
	trees [walkWidth]uint32 // numbers of the trees
	depth int32             // of the deepest
}

// walkWidth is the number of trees walked in step: as many as there are registers for.
const walkWidth = 4

const (
	maxWalkColumns = 1 << 15
	memberColumn   = 1 << 15 // flag of a column that holds memberships
	leafKey        = math.MinInt32
)

// walkSplit is a split as the layout takes it.
type walkSplit struct {
	column      uint16 // with memberColumn
	border      int32
	left, right int32 // split of the tree, or ^leaf
}

// add lays a tree out, breadth first, and returns the position of its root, which is a split or ^leaf. leafColumn is the column
// whose key is leafKey.
func (w *walker) add(splits []walkSplit, first int32, leafColumn uint16) uint32 {
	root := len(w.nodes)
	w.nodes = append(w.nodes, 0)
	queue := []int32{first} // queue[i] is the child that node root+i stands for
	for i := 0; i < len(queue); i++ {
		child := queue[i]
		if child < 0 {
			w.nodes[root+i] = packNode(leafColumn, 0, ^child)
			continue
		}
		s := &splits[child]
		w.nodes[root+i] = packNode(s.column, len(queue)-i, s.border)
		w.members = w.members || s.column&memberColumn != 0
		queue = append(queue, s.left, s.right)
		w.nodes = append(w.nodes, 0, 0)
	}
	return uint32(root)
}

func packNode(column uint16, distance int, border int32) uint64 {
	return uint64(column) | uint64(uint16(distance))<<16 | uint64(uint32(border))<<32
}

// find notes the leaf of every tree into at, which is as long as there are trees. The key after those of the row is leafKey.
func (w *walker) find(keys []int32, at []uint32) {
	for i := range w.blocks {
		if w.members {
			w.blocks[i].findMembers(w.nodes, keys, at)
		} else {
			w.blocks[i].find(w.nodes, keys, at)
		}
	}
}

// find walks a block of trees without memberships.
func (b *walkBlock) find(nodes []uint64, keys []int32, at []uint32) {
	p0, p1, p2, p3 := b.roots[0], b.roots[1], b.roots[2], b.roots[3]
	for range b.depth {
		n0, n1, n2, n3 := nodes[p0], nodes[p1], nodes[p2], nodes[p3]
		p0 += step(n0, keys[uint16(n0)])
		p1 += step(n1, keys[uint16(n1)])
		p2 += step(n2, keys[uint16(n2)])
		p3 += step(n3, keys[uint16(n3)])
	}
	b.note(nodes, at, p0, p1, p2, p3)
}

// step is the distance to the child that a key leads to. The sign of the difference, which 64 bits always hold, is the bit.
func step(node uint64, key int32) uint32 {
	return uint32(uint16(node>>16)) + uint32(uint64(int64(node)>>32-int64(key))>>63)
}

// findMembers is find for trees that may have memberships.
func (b *walkBlock) findMembers(nodes []uint64, keys []int32, at []uint32) {
	p0, p1, p2, p3 := b.roots[0], b.roots[1], b.roots[2], b.roots[3]
	for range b.depth {
		n0, n1, n2, n3 := nodes[p0], nodes[p1], nodes[p2], nodes[p3]
		p0 += stepMember(n0, keys[n0%memberColumn])
		p1 += stepMember(n1, keys[n1%memberColumn])
		p2 += stepMember(n2, keys[n2%memberColumn])
		p3 += stepMember(n3, keys[n3%memberColumn])
	}
	b.note(nodes, at, p0, p1, p2, p3)
}

// stepMember is step for both kinds of columns, without a branch: two candidates and a mask.
func stepMember(node uint64, key int32) uint32 {
	above := uint32(uint64(int64(node)>>32-int64(key)) >> 63)
	member := uint32(key) >> (node >> 32 & 31) & 1
	return uint32(uint16(node>>16)) + (above ^ (above^member)&-uint32(node>>15&1))
}

// note writes down where the walks arrived. A block that is not full repeats its first tree.
func (b *walkBlock) note(nodes []uint64, at []uint32, p0, p1, p2, p3 uint32) {
	at[b.trees[0]] = uint32(nodes[p0] >> 32)
	at[b.trees[1]] = uint32(nodes[p1] >> 32)
	at[b.trees[2]] = uint32(nodes[p2] >> 32)
	at[b.trees[3]] = uint32(nodes[p3] >> 32)
}
