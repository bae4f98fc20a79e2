/** The files of systemd that `snug install` writes. */

/** What they are made from. */
export interface UnitParts {
  readonly program: string;
  readonly data: string;
  /** File with variables that hold secrets. */
  readonly environment: string;
  /** File with the recipient of backups. */
  readonly key: string;
  /** Flags of `snug serve`, each without blanks and quotes. */
  readonly flags: readonly string[];
  /** Does it listen below 1024? */
  readonly lowPorts: boolean;
}

/**
 * What neither the server nor a backup needs. MemoryDenyWriteExecute is missing because V8 compiles
 * JavaScript to machine code.
 */
const CONFINED = [
  "User=snug",
  "Group=snug",
  "UMask=0077",
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "ProtectHome=yes",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "PrivateUsers=%PRIVATE_USERS%",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectProc=invisible",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "LockPersonality=yes",
  "RemoveIPC=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged",
  "SystemCallErrorNumber=EPERM",
];

function confined(lowPorts: boolean): string[] {
  // A capability of the machine is worth nothing among users of one's own.
  const capability = lowPorts ? "CAP_NET_BIND_SERVICE" : "";
  return [
    ...CONFINED.map((line) => line.replace("%PRIVATE_USERS%", lowPorts ? "no" : "yes")),
    `CapabilityBoundingSet=${capability}`,
    `AmbientCapabilities=${capability}`,
  ];
}

/** How each of them begins: what begins otherwise is somebody else's. */
export const WRITTEN = "# Written by snug install";

function unit(sections: Readonly<Record<string, readonly string[]>>): string {
  const blocks = Object.entries(sections).map(([name, lines]) =>
    [`[${name}]`, ...lines].join("\n") + "\n"
  );
  return `${WRITTEN}; systemctl edit adds to it without touching it.\n` +
    blocks.join("\n");
}

/** snug.service: the server. */
export function service({ program, data, environment, flags, lowPorts }: UnitParts): string {
  return unit({
    Unit: [
      "Description=Snug, private chat",
      "Wants=network-online.target",
      "After=network-online.target",
    ],
    Service: [
      `ExecStart=${[program, "serve", "--data", data, ...flags].join(" ")}`,
      `EnvironmentFile=-${environment}`,
      "StateDirectory=snug",
      "StateDirectoryMode=0700",
      "Restart=on-failure",
      // A flag or a variable that makes no sense makes none the next time either.
      "RestartPreventExitStatus=2",
      "RestartSec=5",
      "TimeoutStopSec=30",
      "LimitNOFILE=65536",
      ...confined(lowPorts),
      "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    ],
    Install: ["WantedBy=multi-user.target"],
  });
}

/** snug-backup.service: one backup, the newest seven kept. */
export function backupService({ program, data, environment, key }: UnitParts): string {
  return unit({
    Unit: ["Description=A backup of Snug", `ConditionPathExists=${key}`],
    Service: [
      "Type=oneshot",
      `ExecStart=${program} backup --into ${data}/backups --keep 7 --recipient-file %d/recipient --data ${data}`,
      `LoadCredential=recipient:${key}`,
      `EnvironmentFile=-${environment}`,
      "StateDirectory=snug",
      "StateDirectoryMode=0700",
      "Nice=10",
      "IOSchedulingClass=idle",
      ...confined(false),
      "PrivateNetwork=yes",
      "RestrictAddressFamilies=AF_UNIX",
    ],
  });
}

/** snug-backup.timer: every night. */
export function backupTimer(): string {
  return unit({
    Unit: ["Description=A backup of Snug every night"],
    Timer: ["OnCalendar=03:30", "RandomizedDelaySec=15m", "Persistent=true"],
    Install: ["WantedBy=timers.target"],
  });
}

/** A user of the system without a password, a shell or a home of its own. */
export function sysusers({ data }: UnitParts): string {
  return `${WRITTEN}\nu snug - "Snug" ${data}\n`;
}
