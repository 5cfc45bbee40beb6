package scorer

import (
	"encoding/json"
	"math"
	"strings"
)

// catboostMetadata is what CatBoost's files say about training, as far as it decides about predictions. A file need not say anything:
// then outputs are predictions.
type catboostMetadata struct {
	Params struct {
		Loss struct {
			Type string `json:"type"`
		} `json:"loss_function"`
		Data struct {
			Names []json.RawMessage `json:"class_names"`
		} `json:"data_processing_options"`
	} `json:"params"`
	Loss       json.RawMessage  `json:"loss_function"` // of a sum of models, which has no params; in JSON it is a text of JSON
	Classes    *catboostClasses `json:"class_params"`
	OldClasses *catboostClasses `json:"multiclass_params"`              // what earlier releases call class_params
	Threshold  json.RawMessage  `json:"binclass_probability_threshold"` // a number, or that as a string
}

// catboostLinks are the losses whose models predict something else than their raw output.
var catboostLinks = map[string]link{
	"Logloss": sigmoidLink, "CrossEntropy": sigmoidLink, "Focal": sigmoidLink,
	"MultiClass": softmaxLink, "MultiClassOneVsAll": sigmoidLink,
	"MultiLogloss": sigmoidLink, "MultiCrossEntropy": sigmoidLink,
	"Poisson": expLink, "Tweedie": expLink, "RMSEWithUncertainty": uncertaintyLink,
}

// describe interprets the metadata of an ensemble that passed its check.
func (m *catboostMetadata) describe(e *ensemble) error {
	if m.Params.Loss.Type == "" {
		_ = json.Unmarshal([]byte(label(m.Loss)), &m.Params.Loss)
	}
	classes, placed := m.classes()
	if err := classes.check(e.format); err != nil {
		return err
	}
	outputs := e.outputs
	if placed && m.exclusive() && outputs > 1 {
		places, err := classes.places(e.format, outputs)
		if err != nil {
			return err
		}
		if places != nil {
			outputs = classes.all()
			e.places, e.classes = places, outputs
		}
	}
	e.objective = m.objective(outputs, classes.labels())
	return nil
}

// classes returns what the file says about classes, and whether that says which of them the outputs are. Old
// files of binary classifiers name classes among the parameters only.
func (m *catboostMetadata) classes() (classes *catboostClasses, placed bool) {
	switch {
	case m.Classes != nil:
		return m.Classes, true
	case m.OldClasses != nil:
		return m.OldClasses, true
	}
	return &catboostClasses{Names: m.Params.Data.Names}, false
}

// exclusive reports whether a row has one of the classes, if the file names classes.
func (m *catboostMetadata) exclusive() bool {
	return m.Params.Loss.Type != "MultiLogloss" && m.Params.Loss.Type != "MultiCrossEntropy"
}

// objective interprets the metadata of a model with so many outputs, once there is one for each class.
func (m *catboostMetadata) objective(outputs int, labels []string) objective {
	o := objective{name: m.Params.Loss.Type, link: catboostLinks[m.Params.Loss.Type], slope: 1}
	if len(labels) == max(outputs, 2) && m.exclusive() {
		o.classes = labels
	}
	if m.Params.Loss.Type == "" && len(o.classes) > 0 { // the library assumes the same
		o.link = softmaxLink
	}
	if o.link == softmaxLink && outputs == 1 {
		o.link = sigmoidLink
	}
	if o.link == uncertaintyLink && outputs != 2 {
		o.link = identityLink
	}
	o.fast = o.link == softmaxLink || o.link == expLink || o.link == uncertaintyLink
	if o.fast {
		fastPowers() // now, not with the first row
	}
	o.cut = m.cut()
	return o
}

// cut is the log-odds of the threshold.
func (m *catboostMetadata) cut() float64 {
	var p float64
	if json.Unmarshal([]byte(label(m.Threshold)), &p) != nil || !(p > 0 && p < 1) {
		return 0
	}
	return -math.Log(1/p - 1)
}

// label is the text of a class: that of a string, or the number as it is written.
func label(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(raw))
}
