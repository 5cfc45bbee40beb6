package xgboost

// document reads a model value by value, in either format, so that the memory it needs stays in
// proportion to the file. Every method consumes the next value.
type document interface {
	// object calls each with every key; each must consume the value of the key.
	object(each func(key string) error) error
	// array calls each for every element; each must consume the element.
	array(each func(i int) error) error
	text() (string, error)
	// integers, longs and floats read an array of numbers, where false and true count as 0 and 1.
	integers() ([]int32, error)
	longs() ([]int64, error)
	floats() ([]float32, error)
	skip() error
	// finish makes sure that nothing follows.
	finish() error
	format() string
}
