package lightgbm

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// pandasKey begins the last line of the file, in which LightGBM for Python writes the values of the
// category columns of a pandas data frame, column by column, as JSON.
const pandasKey = "pandas_categorical:"

// Why a LightGBM file has no values for a category.
const (
	noPandas = "the file does not have the values of its categories (pandas_categorical), only " +
		"codes"
	oddPandas = "the file's values of categories (pandas_categorical) are not texts, numbers or " +
		"truth values, or one occurs twice"
	manyPandas  = "the file has more than 1048576 categories (pandas_categorical)"
	whichPandas = "the file does not say which of its lists of categories (pandas_categorical) " +
		"is this feature's"
)

// categories reads the values of the categories of the features, if the file has them.
func (d *decoder) categories(header fields) forest.CategoryValues {
	lists, why := pandasLists(d.rest)
	if len(lists) == 0 {
		return forest.CategoryValues{Why: why}
	}
	columns := d.categoryColumns(header)
	v := forest.CategoryValues{ByFeature: make([]*forest.Categories, len(d.b.Names)),
		Why: whichPandas}
	for feature, list := range columns.match(lists) {
		v.Set(feature, lists[list], oddPandas)
	}
	return v
}

// pandasLists reads the line of the values.
func pandasLists(rest []byte) (lists [][]forest.Category, why string) {
	rest = bytes.TrimRight(rest, " \t\r\n")
	line, ok := bytes.CutPrefix(rest[bytes.LastIndexByte(rest, '\n')+1:], []byte(pandasKey))
	if !ok {
		return nil, noPandas
	}
	d := pandasReader{decoder: json.NewDecoder(bytes.NewReader(line))}
	d.decoder.UseNumber()
	switch err := d.read(); {
	case err == errManyCategories:
		return nil, manyPandas
	case err != nil:
		return nil, oddPandas
	}
	return d.lists, noPandas
}

// pandasReader reads lists of values token by token, to bound the memory for a value.
type pandasReader struct {
	decoder *json.Decoder
	lists   [][]forest.Category
	count   int
}

var (
	errManyCategories = errors.New("too many categories")
	errOddCategory    = errors.New("no category")
)

// read reads null, or a list of lists.
func (d *pandasReader) read() error {
	token, err := d.decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return errOddCategory
	}
	for d.decoder.More() {
		if token, err = d.decoder.Token(); err != nil || token != json.Delim('[') {
			return errOddCategory
		}
		if err := d.list(); err != nil {
			return err
		}
	}
	_, err = d.decoder.Token()
	return err
}

// list reads the values of a list after its opening bracket, and the closing bracket.
func (d *pandasReader) list() error {
	var list []forest.Category
	for d.decoder.More() {
		token, err := d.decoder.Token()
		if err != nil {
			return err
		}
		c, ok := newCategory(token)
		if !ok {
			return errOddCategory
		}
		if d.count++; d.count > forest.MaxCategories {
			return errManyCategories
		}
		list = append(list, c)
	}
	d.lists = append(d.lists, list)
	_, err := d.decoder.Token()
	return err
}

// newCategory turns a JSON value into a category. Numbers keep their text: Python writes them into
// the file as it prints them.
func newCategory(token json.Token) (forest.Category, bool) {
	switch v := token.(type) {
	case string:
		return forest.Category{Text: v}, true
	case bool:
		if v {
			return forest.Category{Text: "True", Number: 1, Kind: forest.TruthCategory}, true
		}
		return forest.Category{Text: "False", Kind: forest.TruthCategory}, true
	case json.Number:
		number, err := v.Float64()
		return forest.Category{Text: v.String(), Number: number, Kind: forest.NumericCategory},
			err == nil
	}
	return forest.Category{}, false
}

// categoryColumns is what a LightGBM file has about its features that helps to find out which were
// category columns.
type categoryColumns struct {
	infos       []columnInfo
	categorical []bool // LightGBM took the feature as a category
	count       int    // of categorical features
}

// columnInfo is what feature_infos has about the values of a feature in training.
type columnInfo struct {
	trivial bool // it had one value
	whole   bool // they were integers from low to high
	low     int
	high    int
}

// categoryColumns reads feature_infos and, from the parameters, which features are categories:
// feature_infos does not say so for features that had one value.
func (d *decoder) categoryColumns(header fields) categoryColumns {
	c := categoryColumns{infos: make([]columnInfo, len(d.b.Names)),
		categorical: make([]bool, len(d.b.Names))}
	infos := strings.Fields(header["feature_infos"])
	for i := range c.infos {
		c.infos[i] = columnInfo{trivial: true}
		if i < len(infos) {
			c.infos[i], c.categorical[i] = newColumnInfo(infos[i])
		}
	}
	_, parameters, _ := bytes.Cut(d.rest, []byte("\n[categorical_feature: "))
	list, _, _ := bytes.Cut(parameters, []byte("]"))
	for word := range strings.SplitSeq(string(list[:min(len(list), 8*forest.MaxFeatures)]), ",") {
		if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(c.categorical) {
			c.categorical[i] = true
		}
	}
	for _, is := range c.categorical {
		if is {
			c.count++
		}
	}
	return c
}

// newColumnInfo reads "none" of a feature with one value, "[0:1.5]" of a numeric one, or "-1:0:2",
// the categories in the order of how frequent they are. -1 means missing.
func newColumnInfo(text string) (info columnInfo, categorical bool) {
	switch {
	case text == "none":
		return columnInfo{trivial: true}, false
	case strings.HasPrefix(text, "["):
		low, high := trainedRange(text)
		if low > high || !forest.IsWhole(low) || !forest.IsWhole(high) {
			return columnInfo{}, false
		}
		return columnInfo{whole: true, low: int(low), high: int(high)}, false
	}
	info.whole = true
	for word := range strings.SplitSeq(text, ":") {
		code, err := strconv.Atoi(word)
		if err != nil {
			return columnInfo{}, true
		}
		info.high = max(info.high, code)
	}
	return info, true
}

// fits reports whether the codes of a list of values may be those that a feature had.
func (c *categoryColumns) fits(list []forest.Category, feature int) bool {
	info := &c.infos[feature]
	return info.trivial || info.whole && info.low >= 0 && info.high < len(list)
}

// maxMatch bounds the product of lists and features that match compares.
const maxMatch = 1 << 22

// match returns the list of values of each feature for which it is unambiguous, by feature.
//
// Lists are in the order of the columns. All category columns have one, also those that LightGBM
// takes as numbers: ordered categories, and those that the user left out of categorical_feature. On
// the other hand the user may name columns of integers there, which have no list. So of all
// assignments of lists to features whose codes fit, those count that assign as many as possible to
// features which LightGBM took as categories; and a list belongs to a feature if it does in all of
// these assignments.
func (c *categoryColumns) match(lists [][]forest.Category) map[int]int {
	if len(lists) == c.count {
		if found := c.inOrder(lists); found != nil {
			return found // the only such way
		}
	}
	found := map[int]int{}
	if len(lists)*len(c.infos) > maxMatch {
		return found
	}
	before, after := c.most(lists, false), c.most(lists, true)
	best := before[len(lists)][len(c.infos)]
	for i, list := range lists {
		at, ways := 0, 0
		for j := range c.infos {
			// Earlier lists belong to earlier features, later ones to later features.
			rest := after[len(lists)-i-1][len(c.infos)-j-1]
			if c.fits(list, j) && before[i][j]+c.worth(j)+rest == best {
				at, ways = j, ways+1
			}
		}
		if ways == 1 && best >= 0 {
			found[at] = i
		}
	}
	return found
}

// inOrder assigns the lists to the features that LightGBM took as categories, one by one, or
// returns nil if they do not fit.
func (c *categoryColumns) inOrder(lists [][]forest.Category) map[int]int {
	found := map[int]int{}
	for j, is := range c.categorical {
		if !is {
			continue
		}
		if !c.fits(lists[len(found)], j) {
			return nil
		}
		found[j] = len(found)
	}
	return found
}

func (c *categoryColumns) worth(feature int) int32 {
	if c.categorical[feature] {
		return 1
	}
	return 0
}

// impossible is the worth of an impossible assignment: sums that contain it stay below 0.
const impossible = -1 << 24

// most returns to how many categorical features the first lists can go at most, if each goes to one
// of the first features; of the last ones if backwards.
func (c *categoryColumns) most(lists [][]forest.Category, backwards bool) [][]int32 {
	rows := make([][]int32, len(lists)+1)
	rows[0] = make([]int32, len(c.infos)+1)
	for i := range lists {
		list, row := lists[i], slices.Repeat([]int32{impossible}, len(c.infos)+1)
		if backwards {
			list = lists[len(lists)-1-i]
		}
		for j := range c.infos {
			feature := j
			if backwards {
				feature = len(c.infos) - 1 - j
			}
			row[j+1] = row[j]
			if c.fits(list, feature) {
				row[j+1] = max(row[j], rows[i][j]+c.worth(feature))
			}
		}
		rows[i+1] = row
	}
	return rows
}
