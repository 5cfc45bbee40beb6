package scorer_test

import "strings"

// compatibilityCategories stands between the first part of docs/models.md and the tables; ~ stands
// for a backtick.
var compatibilityCategories = strings.ReplaceAll(`
## Categories

| library | what a category is | ~Row.SetString~, ~Row.SetBytes~ | ~Row.SetInt~ | a number in the slice | a category that training did not see |
|---|---|---|---|---|---|
| CatBoost | a text | the text | its decimal digits | the integer it is equal to; with a fraction it is missing, set by ~SetFloat~ an error | one more category |
| LightGBM, the file has values | a value, by its text | the value | the value, if all values are numbers; else the code | the code | missing |
| XGBoost, the file has values | a value, by its text | the value | the value, if all values are numbers; else the code | the code | an error (~scorer.ErrUnseen~) |
| LightGBM or XGBoost, the file has none | a code | an error (~scorer.ErrMismatch~) | the code | the code | a code that no split names |

A text for a numeric feature is an error, too, unless no tree looks at the feature. Nothing set and
NaN are missing; to CatBoost that is the text ~nan~, which is what Python makes of it.
~Model.Categories~ lists the values that a file has, in the order of their codes, and
~Model.Category~ finds a code.

LightGBM's files have the values if it was trained in Python on a pandas data frame with columns of
type ~category~: the last line, ~pandas_categorical~. XGBoost's files have them since release 3.1,
for data frames of pandas, Arrow and others (~cats~). A number is its text as Python prints it:
~404~, ~0.5~, ~1e-05~. ~404.0~ is the same as ~404~, since pandas writes it so into a CSV file if
some of the column are missing. Truth values are ~True~ and ~False~, also ~true~ and ~false~, and
equal to 1 and 0, as in Python.

The filter and ~headgate replay~ have numbers, which to the trees would be codes: they refuse a model
of a category column whose values are others than their codes (~Model.TakesNumbers~). Train it on the
numbers themselves, named in ~categorical_feature~ or as ~feature_types~.

What was compared (~TestCategoriesOfDataFrames~): data frames with texts, integers, fractions, truth
values and mixed values as categories, such as no split asks for, such as have one value, ordered
ones, missing values, and values that training did not see; with LightGBM 3.3.5 (pandas 1.5.3) and
4.6.0 (pandas 2.3.3), and XGBoost 3.1.1 and 3.2.0 (pandas 2.3.3, pyarrow 17.0.0; JSON and UBJ).
Where these have oddities of their own:

* LightGBM does not say which list of values is that of which feature. Lists are in the order of the
  columns of type ~category~, and so are mostly the features that it took as categories. But an
  ordered category has a list and is a number to LightGBM, and a column of integers that
  ~categorical_feature~ names is a category and has no list. A list is given to a feature only if no
  other way would do: the codes that the feature had in training (~feature_infos~) must be below the
  length of the list, and as many categories as possible must have one. Where a doubt remains, texts
  for the feature are an error, and codes work. One case cannot be told: as many columns of type
  ~category~ that ~categorical_feature~ leaves out as columns of integers that it names. Do not mix
  them.
* XGBoost 3.1 and 3.2 refuse a value that training did not see only if it is greater than all that
  it saw; any other they take for the next greater one. Here all are errors.
* XGBoost 3.1 and 3.2 count characters for bytes when they read texts of a pandas column, so that
  values behind one with other characters than ASCII are cut in the wrong places, in the file too.
  Where the texts are no UTF-8 for that reason they are not used, and a text is an error that says
  so. Arrow tables are read right.
* CatBoost in Python takes True and False of a column of type ~bool~ (or of a category of such) for
  the texts ~1~ and ~0~, the texts ~True~ and ~False~ for what they are. A CSV file has ~True~ and
  ~False~ for both. ~headgate model~ takes the text, and says so if a column has nothing else; write
  the column as integers (~df.c.astype(int)~) if it was ~bool~ in training. For a numeric feature
  True and False are 1 and 0, as pandas gives them to the libraries.

## Digits

* Files of XGBoost 1.0, 1.1 and 1.2 are read to the bits that later releases make of them
  (~TestFilesOfXGBoostBefore13~: files of 1.0.2, 1.1.1 and 1.2.1, which 3.1.1 and 3.2.0 were asked
  about). Those releases themselves add the base score to the sum of the leaves, where later ones
  begin with it, so that the last digits differ unless the base score is nothing, as that of
  ~binary:logistic~ is by default. Thresholds and leaves are in the file to the bit. The base score
  has six digits after the point in files of 1.0 and 1.1, which read it back less exactly than that
  (4e-6 of a margin); so a model that was trained in memory answers otherwise than its own file.
* CatBoost reads its own JSON less exactly than it writes it: a part of the leaves is off by a unit
  or two in the last place (1.2.10: 308 of 6400), and so is a part of the answers (321 of 2000 rows,
  by up to 25 units near 0). Here the JSON export gives the bits of the ~.cbm~ file. Let ~headgate
  model verify~ compare with what CatBoost answers after it has trained the model or loaded the
  ~.cbm~.
`, "~", "`")
