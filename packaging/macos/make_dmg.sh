#!/usr/bin/env bash
# A disk image of the app that `python3 bootstrap.py package --folder-only` has made on a Mac. Not run yet.
#
#     packaging/macos/make_dmg.sh 0.1.0
#
# With SIGN_AS (the name of a "Developer ID Application" certificate in the keychain) the app is signed for the hardened runtime;
# with NOTARY_PROFILE (made by `xcrun notarytool store-credentials`) it is notarised, too. Unsigned, Gatekeeper stops it on other
# Macs; on Apple silicon PyInstaller's own ad-hoc signature lets it run on the Mac that built it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version="$1"
app="dist/SERR Fundus.app"
image="dist/serr-fundus-$version-macos-$(uname -m).dmg"

if [[ -n "${SIGN_AS:-}" ]]; then
    # Inner libraries first: each has to be signed before what holds it.
    find "$app/Contents" -type f \( -name "*.so" -o -name "*.dylib" \) -print0 |
        xargs -0 -n 20 codesign --force --timestamp --options runtime --sign "$SIGN_AS"
    codesign --force --timestamp --options runtime --entitlements packaging/macos/entitlements.plist --sign "$SIGN_AS" \
        "$app/Contents/MacOS/serr" "$app/Contents/MacOS/serr-gui" "$app"
    codesign --verify --strict --deep "$app"
fi

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
hdiutil create -volname "SERR Fundus $version" -srcfolder "$folder" -format ULFO -ov "$image"

if [[ -n "${NOTARY_PROFILE:-}" ]]; then
    xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
echo "$image"
