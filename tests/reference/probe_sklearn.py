"""Writes probe_sklearn.json: sparse probes and metrics by scikit-learn, on 90 samples of 6 made-up features.

Made with scikit-learn 1.9.1 and numpy 2:
    python tests/reference/probe_sklearn.py > tests/reference/probe_sklearn.json
"""

import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (accuracy_score, average_precision_score, f1_score, precision_score, recall_score,
                             roc_auc_score)
from sklearn.preprocessing import StandardScaler

L2 = 0.01
random = np.random.default_rng(0)


def metrics(labels, scores):
    called = scores >= 0
    return {
        "accuracy": accuracy_score(labels, called),
        "precision": precision_score(labels, called, zero_division=0),
        "recall": recall_score(labels, called),
        "F1": f1_score(labels, called),
        "ROC-AUC": roc_auc_score(labels, scores),
        "average precision": average_precision_score(labels, scores),
    }


# One positive in four; feature 4 carries most, 1 some (turned round), 0 is large and empty, 5 is constant.
labels = np.arange(90) % 4 == 0
features = random.normal(size=(90, 6)) * [10, 1, 1, 0.1, 1, 0] + [3, 0, 0, 0, -1, 2]
features[:, 4] += 1.5 * labels
features[:, 1] -= 0.8 * labels
features = np.round(features, 2)
order = random.permutation(90)
train, test = np.sort(order[:60]), np.sort(order[60:])

probes = []
for k in [1, 3, 6]:
    difference = features[train][labels[train]].mean(axis=0) - features[train][~labels[train]].mean(axis=0)
    chosen = np.argsort(-np.abs(difference), kind="stable")[:k]
    for balanced in [True, False]:
        for standardise in [True, False]:
            scaler = StandardScaler(with_mean=standardise, with_std=standardise).fit(features[train][:, chosen])
            regression = LogisticRegression(
                C=1 / (L2 * len(train)), class_weight="balanced" if balanced else None, tol=1e-12, max_iter=10_000)
            regression.fit(scaler.transform(features[train][:, chosen]), labels[train])
            scale = scaler.scale_ if standardise else np.ones(k)
            mean = scaler.mean_ if standardise else np.zeros(k)
            weights = regression.coef_[0] / scale
            scores = regression.decision_function(scaler.transform(features[test][:, chosen]))
            probes.append({
                "k": k, "balanced": balanced, "standardise": standardise, "chosen": chosen.tolist(),
                "mean_difference": difference[chosen].tolist(), "weights": weights.tolist(),
                "bias": float(regression.intercept_[0] - weights @ mean), "test": metrics(labels[test], scores),
            })

scored = []
for levels in [1, 2, 5, 1000]:
    scores = random.integers(0, levels, size=40) - levels // 2
    truth = random.random(40) < 0.3
    scored.append({"scores": scores.tolist(), "labels": truth.tolist(), "metrics": metrics(truth, scores)})

print(json.dumps({
    "l2": L2, "features": features.tolist(), "labels": labels.tolist(), "train": train.tolist(),
    "test": test.tolist(), "probes": probes, "scored": scored,
}))
