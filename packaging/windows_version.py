"""The version that Windows shows in a program's properties."""

from typing import Any


def version_resource(version: str) -> Any:
    """What PyInstaller puts into both programs. ``version`` is like "0.1.0"."""
    from PyInstaller.utils.win32.versioninfo import (
        FixedFileInfo,
        StringFileInfo,
        StringStruct,
        StringTable,
        VarFileInfo,
        VarStruct,
        VSVersionInfo,
    )

    numbers = (*(int(part) for part in version.split(".")[:3]), 0)
    texts = {
        "CompanyName": "SERR Fundus",
        "ProductName": "SERR Fundus",
        "FileDescription": "Finds the vessels in fundus photographs",
        "FileVersion": version,
        "ProductVersion": version,
        "LegalCopyright": "MIT licence",
    }
    english = "040904B0"  # US English, Unicode
    table = StringTable(english, [StringStruct(name, text) for name, text in texts.items()])
    return VSVersionInfo(
        ffi=FixedFileInfo(filevers=numbers, prodvers=numbers),
        kids=[StringFileInfo([table]), VarFileInfo([VarStruct("Translation", [0x0409, 1200])])],
    )
