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
	} `json:"params"`
	Classes struct {
		Names  []json.RawMessage `json:"class_names"` // strings or numbers
		Labels []json.RawMessage `json:"class_to_label"`
	} `json:"class_params"`
	Threshold json.RawMessage `json:"binclass_probability_threshold"` // a number, or that as a string
}

// catboostLinks are the losses whose models predict something else than their raw output.
var catboostLinks = map[string]link{
	"Logloss": sigmoidLink, "CrossEntropy": sigmoidLink, "Focal": sigmoidLink,
	"MultiClass": softmaxLink, "MultiClassOneVsAll": sigmoidLink,
	"MultiLogloss": sigmoidLink, "MultiCrossEntropy": sigmoidLink,
	"Poisson": expLink, "Tweedie": expLink, "RMSEWithUncertainty": uncertaintyLink,
}

// objective interprets the metadata of a model with so many outputs.
func (m *catboostMetadata) objective(outputs int) objective {
	o := objective{name: m.Params.Loss.Type, link: catboostLinks[m.Params.Loss.Type], slope: 1}
	names := m.Classes.Names
	if len(names) == 0 {
		names = m.Classes.Labels
	}
	exclusive := m.Params.Loss.Type != "MultiLogloss" && m.Params.Loss.Type != "MultiCrossEntropy"
	if len(names) == max(outputs, 2) && exclusive {
		for _, name := range names {
			o.classes = append(o.classes, label(name))
		}
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
