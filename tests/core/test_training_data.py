"""From data sets to training samples: what is held out, targets on the grid, several data sets, other cameras."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.dataset_file import write_dataset_file
from core.datasets.layouts import Case, DataSet, read_layout
from core.datasets.recognise import recognise
from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import LabelError, TrainingError
from core.photo.field_of_view import estimate_field_of_view
from core.photo.label_matching import MIN_CONTRAST, on_grid, vessel_contrast
from core.photo.preprocessing import prepare
from core.photo.reading import read_fov, read_fundus, read_label
from core.photo.recipe import Preprocessing
from core.progress import SILENT
from core.training.augmentation import Sample, random_crop
from core.training.cameras import other_camera
from core.training.config import (
    AugmentationSection,
    SourceSection,
    TrainingConfig,
    load_preset,
    presets,
    recipes_of_models,
)
from core.training.data import hold_out, load_sample, load_training_data
from core.training.distractors import KINDS
from core.training.recipes import proposed_hold_out


def test_both_eyes_of_a_child_are_held_out_together(serr_data: Path) -> None:
    dataset = read_layout("chase_db1", serr_data, "train")
    for seed in range(5):
        chosen = hold_out(dataset, SourceSection(dataset="chase_db1", validation_photos=3), seed)
        assert len(chosen) == 4, "two children, each with two eyes"
        held = {dataset.cases[index].stem[:8] for index in chosen}
        learned = {case.stem[:8] for index, case in enumerate(dataset.cases) if index not in chosen}
        assert not held & learned


@pytest.mark.parametrize("model", recipes_of_models())
def test_the_models_learn_from_and_choose_on_training_photographs_only(serr_data: Path, model: str) -> None:
    test_parts = {("drive", "train"): "test", ("stare", "train"): "test", ("stare", "seed-train"): "seed-test"}
    for part in load_preset(model).data.sources:
        dataset = read_layout(part.dataset, serr_data, part.split)
        assert part.split in {"train", "seed-train"}
        assert all(case.photo.is_file() for case in dataset.cases)
        if (part.dataset, part.split) in test_parts:
            tested = read_layout(part.dataset, serr_data, test_parts[part.dataset, part.split])
            assert not {case.photo for case in tested.cases} & {case.photo for case in dataset.cases}
        chosen = hold_out(dataset, part, 0)
        assert part.validation_photos <= len(chosen) <= len(dataset.cases) // 2


def test_another_seed_holds_out_other_photographs() -> None:
    cases = tuple(Case(f"{number}", Path(f"{number}.png"), {}) for number in range(20))
    dataset = DataSet("drawn", "train", "", cases)
    parts = [hold_out(dataset, SourceSection(), seed) for seed in range(4)]
    assert parts[0] == hold_out(dataset, SourceSection(), 0)
    assert len({frozenset(part) for part in parts}) == 4


def test_a_photograph_in_two_sources_is_refused(tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 3, side=80)
    sources = [{"validation_photos": 1}, {"validation_photos": 1}]
    config = TrainingConfig().replaced("data", sources=sources)
    with pytest.raises(TrainingError, match="is in two sources"):
        load_training_data(config, tmp_path, SILENT)


def test_a_single_source_may_stand_in_the_data_part_itself() -> None:
    config = TrainingConfig.model_validate({"data": {"dataset": "stare", "validation_photos": 2, "targets": "soft"}})
    assert config.data.sources == (SourceSection(dataset="stare", validation_photos=2),)
    assert config.data.targets == "soft"
    assert config.model_name == "serr-unet-stare"


def test_an_expert_who_drew_nothing_is_named(tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 3, side=80)
    config = TrainingConfig().replaced("data", sources=[{"labels": "3rd observer", "validation_photos": 1}])
    with pytest.raises(TrainingError, match=r"no label '3rd observer'.*has '1st observer'"):
        load_training_data(config, tmp_path, SILENT)


def test_soft_targets_keep_the_area_of_thin_vessels() -> None:
    case = draw_case(3, 400)
    prepared = prepare(case.image, case.fov, Preprocessing(fov_diameter_px=100))
    thin = np.zeros((400, 400), np.bool_)
    thin[200, 60:340] = True  # a quarter of a pixel of the grid wide
    soft, hard = on_grid(thin, prepared, "soft"), on_grid(thin, prepared, "hard")
    assert not hard.any()
    assert soft.sum() * prepared.scale**-2 == pytest.approx(280, rel=0.02)
    assert soft.max() < 0.5
    whole = on_grid(case.label.vessel, prepared, "soft")
    assert whole.sum() * prepared.scale**-2 == pytest.approx(case.label.vessel.sum(), rel=0.02)
    assert np.array_equal(on_grid(case.label.vessel, prepared, "hard"), (whole >= 0.5).astype(np.float32))


def flat_sample(name: str, value: float, variants: int = 1) -> Sample:
    """A photograph that is the same everywhere, so that a crop tells where it came from."""
    inside = np.ones((40, 40), np.bool_)
    planes = tuple(np.full((1, 40, 40), value + 0.1 * variant, np.float32) for variant in range(variants))
    return Sample.make(name, planes, np.full((40, 40), 0.3, np.float32), inside)


STILL = AugmentationSection(log_gamma=0, log_contrast=0, brightness=0, noise_sd=0, blur_sd_px=0, rotation_deg=0)


def test_each_data_set_is_drawn_equally_often_and_each_variant_too() -> None:
    small = [flat_sample("a", -1.0, variants=3)]
    large = [flat_sample(f"b{number}", 0.5) for number in range(9)]
    seen = [
        round(float(random_crop([small, large], 8, STILL, (0, step, 0)).planes[0, 4, 4]), 2) for step in range(2000)
    ]
    values, counts = np.unique(seen, return_counts=True)
    share = dict(zip(values.tolist(), (counts / len(seen)).tolist(), strict=True))
    assert share[0.5] == pytest.approx(0.5, abs=0.04)
    for variant in (-1.0, -0.9, -0.8):
        assert share[variant] == pytest.approx(1 / 6, abs=0.03)


def test_a_soft_crop_keeps_shares_and_a_hard_one_cuts_them() -> None:
    sources = [[flat_sample("a", 0.0)]]
    soft = random_crop(sources, 8, STILL, (0, 0, 0), soft=True)
    hard = random_crop(sources, 8, STILL, (0, 0, 0))
    assert soft.label[soft.inside > 0] == pytest.approx(0.3)
    assert not hard.label.any()


def test_distractors_change_what_is_seen_and_never_the_label() -> None:
    sources = [[flat_sample("a", 0.0)]]
    quiet = STILL.model_copy(update={"log_scale": 0.0, "log_aspect": 0.0})
    often = quiet.model_copy(update={"distractors": 0.5})
    changed = 0
    for slot in range(60):
        key = (0, 0, slot)
        plain, drawn = random_crop(sources, 32, quiet, key, soft=True), random_crop(sources, 32, often, key, soft=True)
        assert np.array_equal(drawn.label, plain.label)
        assert np.array_equal(drawn.inside, plain.inside)
        assert not drawn.planes[0][drawn.inside[0] == 0].any()
        assert np.array_equal(drawn.planes, random_crop(sources, 32, often, key, soft=True).planes)
        changed += int(not np.array_equal(drawn.planes, plain.planes))
    assert 15 < changed < 35, "in about half of the crops; some lie outside of this small field of view"


def test_each_kind_of_distractor_looks_as_it_should() -> None:
    random = np.random.default_rng(0)
    seen = {kind: np.stack([draw(128, random) for _ in range(40)]) for kind, draw in KINDS.items()}
    assert seen["haemorrhage"].max() <= 0 > seen["haemorrhage"].min()
    assert seen["rim of atrophy"].min() >= 0 < seen["rim of atrophy"].max()
    for both in ("laser scar", "choroidal vessel"):
        assert seen[both].min() < 0 < seen[both].max()
    steepest = {kind: np.abs(np.diff(planes, axis=2)).max() for kind, planes in seen.items()}
    assert steepest["choroidal vessel"] < 0.25 * min(steepest["haemorrhage"], steepest["laser scar"]), "no sharp edge"


def test_other_cameras_change_the_colours_but_neither_the_place_of_vessels_nor_the_field_of_view(
    tmp_path: Path,
) -> None:
    write_drive_layout(tmp_path, 1, side=160)
    case = read_layout("drive", tmp_path, "train").cases[0]
    config = TrainingConfig().replaced("augmentation", cameras=6).replaced("preprocessing", fov_diameter_px=120)
    sample, again = load_sample(case, config), load_sample(case, config)
    assert len(sample.variants) == 7
    assert all(np.array_equal(one, other) for one, other in zip(sample.variants, again.variants, strict=True))
    inside, vessel = sample.inside > 0, sample.label > 0
    for planes in sample.variants:
        assert planes.shape == sample.variants[0].shape
        assert planes.dtype == np.float32
        assert not planes[0][~inside].any()
        assert planes[0][vessel & inside].mean() < planes[0][inside & ~vessel].mean() - 0.1, "vessels stay dark"
    plain = sample.variants[0][0][inside]
    correlations = [np.corrcoef(plain, planes[0][inside])[0, 1] for planes in sample.variants[1:]]
    assert all(0.5 < one < 0.999 for one in correlations), correlations


def test_another_camera_leaves_the_outside_black() -> None:
    case = draw_case(1, 96)
    for seed in range(20):
        out = other_camera(case.image.rgb, case.fov.inside, np.random.default_rng(seed))
        assert out.shape == case.image.rgb.shape
        assert out.dtype == np.uint8
        assert out[~case.fov.inside].mean() < 12, "but for the ringing of JPEG at the rim"


def test_every_preset_can_be_read() -> None:
    assert {"general", "paper", "strong"} <= set(presets())
    assert {"serr-unet-drive", "serr-unet-general"} <= set(recipes_of_models())
    for name in (*presets(), *recipes_of_models()):
        assert isinstance(load_preset(name), TrainingConfig)
    assert load_preset("strong") == TrainingConfig()
    with pytest.raises(TrainingError, match=r"'weak'; choose one of: .*general.*serr-unet-drive"):
        load_preset("weak")


def test_a_label_of_another_photograph_is_refused(tmp_path: Path) -> None:
    folder = write_drive_layout(tmp_path, 3, side=160) / "training" / "1st_manual"
    (folder / "02_manual1.gif").write_bytes((folder / "03_manual1.gif").read_bytes())
    config = TrainingConfig().replaced("data", validation_photos=1).replaced("preprocessing", fov_diameter_px=0)
    with pytest.raises(LabelError, match=r"02_manual1\.gif are not where .*02_training\.tif"):
        load_training_data(config, tmp_path, SILENT)
    load_training_data(config.replaced("data", check_pairs=False), tmp_path, SILENT)


def test_a_recipe_without_clahe_refuses_no_label_of_drive(serr_data: Path) -> None:
    recipe = TrainingConfig().replaced("preprocessing", clahe_clip=0)
    for case in read_layout("drive", serr_data, "train").cases:
        assert load_sample(case, recipe).label.any(), case.stem


@pytest.mark.parametrize("name", ["drive", "stare", "chase_db1", "hrf"])
def test_real_labels_belong_to_their_photographs_and_not_to_others(serr_data: Path, name: str) -> None:
    cases = read_layout(name, serr_data, "train").cases[:4]
    pictures = []
    for case in cases:
        image = read_fundus(case.photo)
        fov = read_fov(case.fov) if case.fov else estimate_field_of_view(image)
        label = read_label(next(iter(case.labels.values()))).vessel
        pictures.append((prepare(image, fov, Preprocessing()), label))
    for number, (prepared, own) in enumerate(pictures):
        plane, inside = prepared.planes[0], prepared.inside
        assert vessel_contrast(plane, on_grid(own, prepared, "soft"), inside) > 0.5
        others = [
            vessel_contrast(plane, on_grid(label, prepared, "soft"), inside)
            for _, label in pictures[:number] + pictures[number + 1 :]
            if label.shape == own.shape
        ]
        assert np.median(others) < MIN_CONTRAST


def write_folder(root: Path, photographs: int) -> Path:
    """Photographs ``eye N.JPG`` in images/, labels ``eye N.png`` in labels/."""
    folder = root / "eyes"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(photographs):
        case = draw_case(number, 160)
        Image.fromarray(case.image.rgb).save(folder / "images" / f"eye {number}.JPG", quality=95)
        Image.fromarray(case.label.vessel).save(folder / "labels" / f"eye {number}.png")
    return folder


def test_a_folder_of_ones_own_is_a_source(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    config = TrainingConfig().replaced("data", dataset="./eyes", validation_photos=1)
    (source,) = load_training_data(config.replaced("preprocessing", fov_diameter_px=0), tmp_path, SILENT).sources
    assert (len(source.training), len(source.validation)) == (3, 1)
    assert config.model_name == "serr-unet-eyes"


def test_a_data_set_file_holds_out_its_own_validation_part(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, 5)
    whole = recognise(folder).dataset
    parts = ("validation", "training", "test", "training", "validation")
    entries = tuple(replace(entry, part=part) for entry, part in zip(whole.entries, parts, strict=True))
    write_dataset_file(tmp_path / "mine.serr-dataset", replace(whole, entries=entries))
    config = TrainingConfig().replaced("data", dataset="mine.serr-dataset")
    (source,) = load_training_data(config.replaced("preprocessing", fov_diameter_px=0), tmp_path, SILENT).sources
    assert [sample.name for sample in source.training] == ["eye 1", "eye 3"]
    assert [held.name for held in source.validation] == ["eye 0", "eye 4"]


def test_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    names = [write_folder(tmp_path / clinic, 2).parent.name for clinic in ("north", "south")]
    write_drive_layout(tmp_path, 2, side=160)
    sources = [{"dataset": f"./{name}/eyes", "validation_photos": 1} for name in names]
    sources.append({"dataset": "drive", "validation_photos": 1})
    config = TrainingConfig().replaced("data", sources=sources).replaced("preprocessing", fov_diameter_px=0)
    data = load_training_data(config, tmp_path, SILENT)
    assert [source.name for source in data.sources] == ["eyes/training/1", "eyes/training/2", "drive"]


def test_persons_of_a_data_set_file_stay_together(tmp_path: Path) -> None:
    whole = recognise(write_folder(tmp_path, 6)).dataset
    entries = tuple(replace(entry, group=f"p{row // 2}") for row, entry in enumerate(whole.entries))
    chosen = hold_out(replace(whole, entries=entries).part("training"), SourceSection(validation_photos=1), 3)
    assert chosen in ({0, 1}, {2, 3}, {4, 5})


@pytest.mark.parametrize(("photographs", "held"), [(0, 1), (2, 1), (6, 2), (12, 4), (100, 4)])
def test_few_photographs_hold_out_few(photographs: int, held: int) -> None:
    assert proposed_hold_out(photographs) == held
