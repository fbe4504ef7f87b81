"""Distances in the space of [CLS]: by hand, and against scipy and scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.neighbors import NearestNeighbors

from spikegeometry.model.class_space import RIDGE, fit_class_space, load_class_space, save_class_space


@pytest.fixture
def cloud():
    """Training vectors of three classes, and others, of unlike spread in each dimension."""
    generator = np.random.default_rng(3)
    labels = np.arange(60) % 3
    spread = np.array([1.0, 5.0, 0.2, 2.0])
    vectors = generator.normal(size=(60, 4)) * spread + 10 * np.eye(4)[labels]
    others = generator.normal(size=(7, 4)) * 6
    return vectors.astype(np.float32), labels, others.astype(np.float32)


def test_distances_against_scipy_and_scikit_learn(cloud):
    vectors, labels, others = cloud
    found = fit_class_space(torch.from_numpy(vectors), torch.from_numpy(labels), 5).distances(torch.from_numpy(others))
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(3)])
    centred = vectors - means[labels]
    covariance = centred.T @ centred / 60
    inverse = np.linalg.inv(covariance + RIDGE * covariance.diagonal().mean() * np.eye(4))
    nearest = [min(mahalanobis(other, mean, inverse) for mean in means) for other in others]
    assert found[:, 0].numpy() == pytest.approx(nearest, rel=1e-3)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (vectors, others)]
    fifth = NearestNeighbors(n_neighbors=5).fit(unit[0]).kneighbors(unit[1])[0][:, 4]
    assert found[:, 1].numpy() == pytest.approx(fifth, rel=1e-3)


def test_a_class_mean_is_at_no_distance():
    vectors = torch.tensor([[1.0, 0], [3, 0], [0, 1], [0, 3]])
    space = fit_class_space(vectors, torch.tensor([0, 0, 4, 4]), 1)
    assert space.means.shape == (2, 2)  # classes without a sequence have no mean
    distances = space.distances(torch.tensor([[2.0, 0], [0, 2]]))
    assert distances[:, 0].tolist() == pytest.approx([0, 0], abs=1e-3)
    # [CLS] in the direction of a training vector, whatever its norm.
    assert distances[:, 1].tolist() == pytest.approx([0, 0], abs=1e-3)


def test_fewer_sequences_than_neighbours_or_dimensions():
    space = fit_class_space(torch.eye(3)[:2], torch.tensor([0, 1]), 5)
    distances = space.distances(torch.ones(4, 3))
    assert int(space.neighbour) == 2 and distances.isfinite().all()


def test_a_space_comes_back_as_it_was(cloud, tmp_path):
    vectors, labels, others = cloud
    space = fit_class_space(torch.from_numpy(vectors), torch.from_numpy(labels), 5)
    save_class_space(space, tmp_path / "space.safetensors")
    again = load_class_space(tmp_path / "space.safetensors", torch.device("cpu"))
    assert torch.allclose(again.distances(torch.from_numpy(others)), space.distances(torch.from_numpy(others)))
    assert int(again.neighbour) == 5
