package catboost

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// metadata is the part of CatBoost's training parameters that predictions depend on. It is
// optional: without it, outputs are predictions.
type metadata struct {
	Params struct {
		Loss struct {
			Type string `json:"type"`
		} `json:"loss_function"`
		Data struct {
			Names []json.RawMessage `json:"class_names"`
		} `json:"data_processing_options"`
	} `json:"params"`
	Loss       json.RawMessage `json:"loss_function"` // of a sum of models; in JSON, a text
	Classes    *classInfo      `json:"class_params"`
	OldClasses *classInfo      `json:"multiclass_params"`              // class_params of older releases
	Threshold  json.RawMessage `json:"binclass_probability_threshold"` // a number, maybe as a string
}

// links are the losses whose predictions differ from the raw output.
var links = map[string]forest.Link{
	"Logloss": forest.SigmoidLink, "CrossEntropy": forest.SigmoidLink, "Focal": forest.SigmoidLink,
	"MultiClass": forest.SoftmaxLink, "MultiClassOneVsAll": forest.SigmoidLink,
	"MultiLogloss": forest.SigmoidLink, "MultiCrossEntropy": forest.SigmoidLink,
	"Poisson": forest.ExpLink, "Tweedie": forest.ExpLink,
	"RMSEWithUncertainty": forest.UncertaintyLink,
}

// describe interprets the metadata of an ensemble that passed its check.
func (m *metadata) describe(e *forest.Ensemble) error {
	if m.Params.Loss.Type == "" {
		_ = json.Unmarshal([]byte(label(m.Loss)), &m.Params.Loss)
	}
	classes, placed := m.classes()
	if err := classes.check(e.Format); err != nil {
		return err
	}
	outputs := e.Outputs
	if placed && m.exclusive() && outputs > 1 {
		places, err := classes.outputClasses(e.Format, outputs)
		if err != nil {
			return err
		}
		if places != nil {
			outputs = classes.all()
			e.Conditions.OutputClasses, e.Conditions.Classes = places, outputs
		}
	}
	e.Objective = m.objective(outputs, classes.labels())
	return nil
}

// classes returns the classes of the file, and whether the file says which of them the outputs are.
// Old files of binary classifiers name classes among the parameters only.
func (m *metadata) classes() (classes *classInfo, placed bool) {
	switch {
	case m.Classes != nil:
		return m.Classes, true
	case m.OldClasses != nil:
		return m.OldClasses, true
	}
	return &classInfo{Names: m.Params.Data.Names}, false
}

// exclusive reports whether a row has one of the classes, if the file names classes.
func (m *metadata) exclusive() bool {
	return m.Params.Loss.Type != "MultiLogloss" && m.Params.Loss.Type != "MultiCrossEntropy"
}

// objective interprets the metadata of a model; outputs counts those of absent classes too.
func (m *metadata) objective(outputs int, labels []string) forest.Objective {
	o := forest.Objective{Name: m.Params.Loss.Type, Link: links[m.Params.Loss.Type], Slope: 1}
	if len(labels) == max(outputs, 2) && m.exclusive() {
		o.Classes = labels
	}
	if m.Params.Loss.Type == "" && len(o.Classes) > 0 { // the library assumes the same
		o.Link = forest.SoftmaxLink
	}
	if o.Link == forest.SoftmaxLink && outputs == 1 {
		o.Link = forest.SigmoidLink
	}
	if o.Link == forest.UncertaintyLink && outputs != 2 {
		o.Link = forest.IdentityLink
	}
	o.Fast = o.Link == forest.SoftmaxLink || o.Link == forest.ExpLink ||
		o.Link == forest.UncertaintyLink
	o.Cut = m.cut()
	return o
}

// cut returns the log-odds of the threshold.
func (m *metadata) cut() float64 {
	var p float64
	if json.Unmarshal([]byte(label(m.Threshold)), &p) != nil || !(p > 0 && p < 1) {
		return 0
	}
	return -math.Log(1/p - 1)
}

// label returns the text of a class: that of a string, or the number as it is written.
func label(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(raw))
}
