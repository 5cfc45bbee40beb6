package scorer

import (
	"bytes"

	"github.com/headgate/headgate/scorer/internal/catboost"
	"github.com/headgate/headgate/scorer/internal/forest"
	"github.com/headgate/headgate/scorer/internal/lightgbm"
)

// otherFiles are files that users mistake for models, by how they begin and, if that is not enough,
// a text in their first kilobyte.
var otherFiles = []struct {
	start, within string
	is            string
}{
	{"\x1f\x8b", "", "is compressed with gzip: unpack it first"},
	{"\xef\xbb\xbf", "", "begins with a byte order mark: write it without"},
	{"PK\x03\x04", "", "is a zip archive: unpack it first"},
	{"\x80", "\x8c", "is a Python pickle: load it there and write the model itself with " +
		saveModel},
	{"\x80", "c", "is a Python pickle: load it there and write the model itself with " + saveModel},
	{"\x08", "\x12", "is an ONNX model: write it in the library's own format with " + saveModel},
	{"<", "<PMML", "is a PMML model: write it in the library's own format with " + saveModel},
	{`{"name"`, `"version"`, "is LightGBM's dump_model, which leaves things out: write it with " +
		`Booster.save_model("m.txt")`},
	{"booster[", "", dumpedXGBoost},
	{"[", `"nodeid"`, dumpedXGBoost},
	{"binf", "", oldXGBoost},
	{"bs64", "", oldXGBoost},
	{"\x00\x00\x00?", "", oldXGBoost}, // the base score of 0.5 that such a file begins with
}

const (
	saveModel = `save_model("m.cbm") in CatBoost, booster_.save_model("m.txt") in LightGBM or ` +
		`save_model("m.json") in XGBoost`
	dumpedXGBoost = "is XGBoost's dump_model, which leaves things out: write it with " +
		`save_model("m.json")`
	oldXGBoost = "is in XGBoost's old binary format: load it with a release before 3.1 and write it " +
		`with save_model("m.json")`
)

// unrecognised returns the error for a file of an unknown format, with what it may be.
func unrecognised(data []byte) error {
	first := data[:min(len(data), 1<<10)]
	for _, s := range otherFiles {
		if bytes.HasPrefix(first, []byte(s.start)) && bytes.Contains(first, []byte(s.within)) {
			return &forest.FormatError{Reason: "it " + s.is, Err: forest.ErrExplained}
		}
	}
	return forest.Damaged("", "starts with %q, expected %q (CatBoost binary), \"{\" (CatBoost or "+
		"XGBoost JSON, XGBoost UBJ) or %q (LightGBM text)",
		data[:min(len(data), 8)], catboost.Magic, lightgbm.Magic)
}
