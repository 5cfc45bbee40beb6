package pipeline_test

import (
	"errors"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/scorer"
)

// A model of a data frame whose categories are numbers other than their codes would confuse the
// two.
func TestModelOfOtherCategoriesIsRefused(t *testing.T) {
	model := func(values string) *scorer.Model {
		m, err := scorer.Load([]byte("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=binary sigmoid:1\n" +
			"feature_names=request/method\nfeature_infos=0:1\n\nTree=0\nnum_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold=0\n" +
			"decision_type=1\nleft_child=-1\nright_child=-2\nleaf_value=1 -1\ncat_boundaries=0 1\ncat_threshold=2\n\nend of trees\n\n" +
			"pandas_categorical:[" + values + "]\n"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if _, err := pipeline.New(pipeline.Config{Model: model("[1, 3]")}); !errors.Is(err, scorer.ErrMismatch) {
		t.Errorf("categories 1 and 3: %v", err)
	}
	if _, err := pipeline.New(pipeline.Config{Model: model("[0, 1]")}); err != nil {
		t.Errorf("categories 0 and 1: %v", err)
	}
}
