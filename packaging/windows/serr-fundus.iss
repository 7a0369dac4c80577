; Inno Setup 6: an installer of the folder that `py bootstrap.py package --folder-only` has made. Not run yet.
;
;     iscc /DVersion=0.1.0 packaging\windows\serr-fundus.iss
;
; For one person without rights of an administrator, or for all with them. Sign the two programs before, and the installer after
; (see docs/packaging.md): unsigned ones are stopped by SmartScreen.

#ifndef Version
  #error Give the version: iscc /DVersion=0.1.0
#endif

[Setup]
AppId={{6C0B7B3E-7B8B-4E0B-9B2D-5E0D2F1C7A11}
AppName=SERR Fundus
AppVersion={#Version}
AppPublisher=SERR Fundus developers
VersionInfoVersion={#Version}
DefaultDirName={autopf}\SERR Fundus
DefaultGroupName=SERR Fundus
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\.cache\package\build\icons\serr-fundus.ico
UninstallDisplayIcon={app}\serr-gui.exe
OutputDir=..\..\dist
OutputBaseFilename=serr-fundus-{#Version}-windows-x86_64-setup
Compression=lzma2/normal
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes
CloseApplications=yes

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: "path"; Description: "Put the command line (serr) onto the PATH"; Flags: unchecked

[InstallDelete]
; Modules of an older version must not be found beside those of this one.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\serr-fundus\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{group}\SERR Fundus"; Filename: "{app}\serr-gui.exe"
Name: "{autodesktop}\SERR Fundus"; Filename: "{app}\serr-gui.exe"; Tasks: desktopicon

[Registry]
; "Open with" for photographs, without becoming their default program.
Root: HKA; Subkey: "Software\Classes\SERRFundus.Photograph"; ValueType: string; ValueData: "Fundus photograph"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\SERRFundus.Photograph\DefaultIcon"; ValueType: string; ValueData: "{app}\serr-gui.exe,0"
Root: HKA; Subkey: "Software\Classes\SERRFundus.Photograph\shell\open\command"; ValueType: string; ValueData: """{app}\serr-gui.exe"" ""%1"""
#define Extension(str Suffix) 'Root: HKA; Subkey: "Software\Classes\' + Suffix + '\OpenWithProgids"; ValueType: string; ValueName: "SERRFundus.Photograph"; ValueData: ""; Flags: uninsdeletevalue'
#emit Extension(".png")
#emit Extension(".jpg")
#emit Extension(".jpeg")
#emit Extension(".tif")
#emit Extension(".tiff")
#emit Extension(".bmp")
#emit Extension(".gif")
#emit Extension(".ppm")
#emit Extension(".pgm")
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: NotOnPath

[Run]
Filename: "{app}\serr-gui.exe"; Description: "{cm:LaunchProgram,SERR Fundus}"; Flags: nowait postinstall skipifsilent

[Code]
function NotOnPath(): Boolean;
var
  Paths: string;
begin
  Result := not RegQueryStringValue(HKCU, 'Environment', 'Path', Paths) or (Pos(';' + ExpandConstant('{app}'), ';' + Paths) = 0);
end;
