"""The network of a new training is chosen by its card, and its form follows the family that is chosen."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from core.networks.families import FAMILIES, field_names
from serr_gui.panels.training.network_form import NetworkForm
from tests.gui.conftest import WAIT_MS, StartProgram

pytestmark = pytest.mark.usefixtures("job_store")


def pick(box: QComboBox, value: object) -> None:
    """As a person does with the mouse."""
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_each_family_has_its_card_and_a_box_for_each_of_its_fields(qtbot: QtBot) -> None:
    form = NetworkForm()
    qtbot.addWidget(form)
    for name, family in FAMILIES.items():
        pick(form.families, name)
        assert form.architecture == name
        assert family.summary in form._card.text()
        assert family.publication in form._card.text()
        assert tuple(form.fields) == field_names(name)
        usual = family.config()
        assert form.config() == {field: getattr(usual, field) for field in form.fields}
        assert form.stride == usual.stride
        form.published.click()
        assert form.config().items() >= dict(family.published).items()
        form.usual.click()
        assert family.config.model_validate(form.config()) == usual
        for field, box in form.fields.items():  # whatever the boxes allow can be built
            for number in range(box.count() if isinstance(box, QComboBox) else 2):
                if isinstance(box, QSpinBox):
                    box.setValue((box.minimum(), box.maximum())[number])
                else:
                    box.setCurrentIndex(number)
                assert family.config.model_validate(form.config()), field


def test_the_chosen_network_is_in_the_recipe(start: StartProgram, qtbot: QtBot, dataset: Path) -> None:
    program = start()
    dialog = program.window.training_prompts.new_training(dataset)
    qtbot.waitUntil(lambda: not dialog.is_looking, timeout=WAIT_MS)
    assert not dialog.network.isVisible(), "a model that is trained on keeps its network"
    pick(dialog._start, None)
    assert dialog.network.isVisible()
    assert dialog.config().network.architecture == "serr-unet"
    pick(dialog.network.families, "attention-unet")
    width, upsampling = dialog.network.fields["width"], dialog.network.fields["upsampling"]
    assert isinstance(width, QSpinBox)
    assert isinstance(upsampling, QComboBox)
    width.setValue(24)
    pick(upsampling, "nearest")
    network = dialog.request().config.network
    assert network.architecture == "attention-unet"
    assert network.config == {"width": 24, "depth": 3, "upsampling": "nearest", "patch_px": 1}
    assert dialog.run.name.text() == "attention-unet-drawn"

    pick(dialog.recipe._presets, "paper")
    assert dialog.config().network == network, "a preset keeps a family that was chosen by hand"
    pick(dialog.network.families, "serr-unet")
    pick(dialog.recipe._presets, "paper")
    assert dialog.config().network.config.items() >= {"width": 16, "depth": 2}.items()

    dialog.recipe.numbers["crop_px"].setValue(98)
    assert "multiple of 4" in dialog._problem.text()
    assert not dialog._order.isEnabled()
    dialog.recipe.numbers["crop_px"].setValue(96)
    assert dialog._order.isEnabled()
    dialog.reject()
