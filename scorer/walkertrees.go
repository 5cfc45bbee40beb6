package scorer

// walkTree is a tree of a walker.
type walkTree struct {
	number uint32
	root   uint32 // position among the nodes
	depth  int32  // at least that of the tree
}

// list returns the trees in the order of the blocks.
func (w *walker) list() []walkTree {
	var trees []walkTree
	for i := range w.blocks {
		b := &w.blocks[i]
		for j, number := range b.trees {
			if j == 0 || number != b.trees[0] { // the last block repeats its first
				trees = append(trees, walkTree{number: number, root: b.roots[j], depth: b.depth})
			}
		}
	}
	return trees
}

// with returns a walker of some of the trees, over the same nodes.
func (w *walker) with(trees []walkTree) walker {
	some := *w
	some.blocks = newWalkBlocks(trees)
	return some
}

// read returns the splits and leaves of a tree as add took them, breadth first; a leaf is ^index
// into leaves. ok is false if the tree has more splits than most, or categorical ones.
func (w *walker) read(root uint32, most int) (splits []walkSplit, leaves []uint32, ok bool) {
	// Children follow their parent: the tree is complete when as many nodes have been read as
	// splits announced.
	var nodes []int32
	for i := uint32(0); i <= uint32(2*len(splits)); i++ {
		node := w.nodes[root+i]
		if uint16(node) == 0 {
			nodes = append(nodes, ^int32(len(leaves)))
			leaves = append(leaves, uint32(node>>32))
			continue
		}
		if node>>31&1 == 1 || len(splits) == most {
			return nil, nil, false
		}
		nodes = append(nodes, int32(len(splits)))
		left := int32(i) + int32(uint16(node))
		splits = append(splits, walkSplit{column: uint16(node >> 16), border: uint32(node >> 32),
			left: left, right: left + 1})
	}
	for i := range splits {
		splits[i].left, splits[i].right = nodes[splits[i].left], nodes[splits[i].right]
	}
	return splits, leaves, true
}

// newWalkBlocks returns blocks of trees, in their order.
func newWalkBlocks(trees []walkTree) []walkBlock {
	var blocks []walkBlock
	for i, tree := range trees {
		if i%walkWidth == 0 {
			b := walkBlock{}
			for j := range b.roots {
				b.roots[j], b.trees[j] = tree.root, tree.number
			}
			blocks = append(blocks, b)
		}
		b := &blocks[len(blocks)-1]
		b.roots[i%walkWidth], b.trees[i%walkWidth] = tree.root, tree.number
		b.depth = max(b.depth, tree.depth)
	}
	return blocks
}
