package scorer

import (
	"bytes"

	"github.com/headgate/headgate/scorer/internal/catboost"
	"github.com/headgate/headgate/scorer/internal/forest"
	"github.com/headgate/headgate/scorer/internal/lightgbm"
)

// strangers are files that people take for models, by what they begin with and, where that is not enough, have in their first kilobyte.
var strangers = []struct {
	start, within string
	is            string
}{
	{"\x1f\x8b", "", "is compressed with gzip: unpack it first"},
	{"\xef\xbb\xbf", "", "begins with a byte order mark: write it without"},
	{"PK\x03\x04", "", "is a zip archive: unpack it first"},
	{"\x80", "\x8c", "is a Python pickle: load it there and write the model itself with " + saveModel},
	{"\x80", "c", "is a Python pickle: load it there and write the model itself with " + saveModel},
	{"\x08", "\x12", "is an ONNX model: write it in the library's own format with " + saveModel},
	{"<", "<PMML", "is a PMML model: write it in the library's own format with " + saveModel},
	{`{"name"`, `"version"`, `is LightGBM's dump_model, which leaves things out: write it with Booster.save_model("m.txt")`},
	{"booster[", "", `is XGBoost's dump_model, which leaves things out: write it with save_model("m.json")`},
	{"[", `"nodeid"`, `is XGBoost's dump_model, which leaves things out: write it with save_model("m.json")`},
	{"binf", "", oldXGBoost},
	{"bs64", "", oldXGBoost},
	{"\x00\x00\x00?", "", oldXGBoost}, // the base score of 0.5 that such a file begins with
}

const (
	saveModel  = `save_model("m.cbm") in CatBoost, booster_.save_model("m.txt") in LightGBM or save_model("m.json") in XGBoost`
	oldXGBoost = `is in XGBoost's old binary format: load it with a release before 3.1 and write it with save_model("m.json")`
)

// unrecognised says what a file is that begins like no model.
func unrecognised(data []byte) error {
	first := data[:min(len(data), 1<<10)]
	for _, s := range strangers {
		if bytes.HasPrefix(first, []byte(s.start)) && bytes.Contains(first, []byte(s.within)) {
			return &forest.FormatError{Reason: "it " + s.is, Err: forest.ErrNamed}
		}
	}
	return forest.Damaged("", "starts with %q, expected %q (CatBoost binary), \"{\" (CatBoost or XGBoost JSON, XGBoost UBJ) or %q (LightGBM text)",
		data[:min(len(data), 8)], catboost.Magic, lightgbm.Magic)
}
