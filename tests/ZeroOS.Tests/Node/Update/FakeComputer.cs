using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Flist;
using ZeroOS.Formats.Efi;
using ZeroOS.Node.Update;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Update;

/// <summary>The power is off: whatever the node still does has no effect.</summary>
internal sealed class PowerCutException : Exception;

/// <summary>
/// A computer that can boot: two slots, firmware variables, a disk with the node's store. It outlives its nodes, and the power can go before any effect that
/// lasts; what a node that is dead still does has none.
/// </summary>
internal sealed class FakeComputer : IDisposable
{
    public static readonly Guid Partition = new("F7B6A3DE-0000-4000-8000-000000000001");
    public static readonly IdentityKey Alice = IdentityKey.Generate(), Bob = IdentityKey.Generate(), Owner = IdentityKey.Generate();
    private readonly TestFolder _folder = new();
    private readonly Lock _power = new();
    private int _node;
    private EngineStore? _store;
    private Updater? _updater;
    private byte[] _trial = [];
    private byte[]? _manifest;
    private bool _entry;
    private long _uptime;

    public FakeComputer() => Kept = Image("1.0.0");

    /// <summary>What the firmware starts by itself.</summary>
    public byte[] Kept { get; set; }

    /// <summary>What a server gives to a computer without a medium; null for one that has one.</summary>
    public byte[]? Served { get; set; }

    public bool BootNext { get; private set; }

    /// <summary>What the ledger says: it outlives the database.</summary>
    public Version? LedgerRelease { get; private set; }

    public bool EntryLeft => _entry;

    public ConcurrentQueue<string> Effects { get; } = [];

    /// <summary>Effects until the power goes; null for never.</summary>
    public int? PowerFor { get; set; }

    public HealthFinding Health { get; set; } = HealthFinding.Well;

    public HealthExpectation? Examined { get; private set; }

    public string? MediumTrouble { get; set; }

    public bool FirmwareRefuses { get; set; }

    /// <summary>The firmware forgets what it was told to boot next, or does not find the trial good.</summary>
    public bool FirmwareIgnores { get; set; }

    public string? SealingKey { get; set; }

    public BootKind? Force { get; set; }

    public Dictionary<string, byte[]> Registry { get; } = [];

    public bool TrialKept { get; private set; }

    public TaskCompletionSource Restarted { get; private set; } = new();

    public Updater Updater => _updater!;

    /// <summary>An owner asks for an update and gets the answer.</summary>
    public UpdateStatus Begin(NodeUpdate body)
    {
        RequestContext asked = Asked.By(Owner.Id, Roles.Owner);
        UpdateStatus status = Updater.Begin(asked, body);
        asked.Sent();
        return status;
    }

    public EngineStore Store => _store!;

    public static byte[] Image(string version, string mark = "") => Encoding.UTF8.GetBytes($"{version} {mark}");

    public static string VersionOf(byte[] image) => Encoding.UTF8.GetString(image).Split(' ')[0];

    public static string DigestOf(byte[] image) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData([1, .. image]));

    /// <summary>Signs a release of an image and puts it where the node can fetch it.</summary>
    public NodeUpdate Release(byte[] image, Func<ReleaseManifest, ReleaseManifest>? change = null, params IdentityKey[] signers)
    {
        ReleaseManifest manifest = new()
        {
            Version = VersionOf(image),
            Channel = "stable",
            MinimumVersion = "0.9.0",
            Issued = DateTimeOffset.UnixEpoch,
            ImageDigest = DigestOf(image),
            Efi = new ReleaseFile { Digest = Sha256Digest.Of(image).ToString(), Size = image.Length },
            Image = "demo/zeroos",
            HealthSeconds = 10,
        };
        Registry[Sha256Digest.Of(image).ToString()] = image;
        return new NodeUpdate
        {
            Release = Convert.ToBase64String(ReleaseDocument.Sign(change?.Invoke(manifest) ?? manifest, signers.Length > 0 ? signers : [Alice, Bob]))
        };
    }

    /// <summary>Switches on, for so many effects if it says so: the firmware chooses, the node starts and takes up what was left.</summary>
    public FakeComputer Boot(bool watchdogBit = false, bool forget = false, int? power = null)
    {
        Off();
        PowerFor = power;
        bool trial = BootNext && !FirmwareIgnores;
        BootNext = false;
        byte[] image = Served ?? (trial ? _trial : Kept);
        if (forget)
            File.Delete(Path.Combine(_folder.Path, "engine.db"));
        _uptime = 0;
        TrialKept = false;
        StartNode(image, new BootSource(Force ?? (Served is not null ? BootKind.Network : trial ? BootKind.Trial : BootKind.Kept),
            Served is null ? Partition : null, Force is null ? null : "booted by BIOS"), watchdogBit);
        return this;
    }

    /// <summary>The node alone dies and starts again in the same boot.</summary>
    public void NodeDies(bool keptMark)
    {
        BootSource boot = Dependencies!.Boot;
        byte[] image = Encoding.UTF8.GetBytes(_running);
        Off();
        StartNode(image, keptMark && boot.Kind == BootKind.Trial ? boot with { Kind = BootKind.Kept } : boot, false);
    }

    public void Off()
    {
        lock (_power)
            _node++;
        _updater?.Dispose();
        if (_store is not null)
            _store.Fault = null;
        _store?.Dispose();
        (_updater, _store) = (null, null);
    }

    public void Dispose()
    {
        Off();
        _folder.Dispose();
    }

    public UpdateDependencies? Dependencies { get; private set; }

    private string _running = "";

    private void StartNode(byte[] image, BootSource boot, bool watchdogBit)
    {
        _running = Encoding.UTF8.GetString(image);
        TaskCompletionSource restarted = Restarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Parts parts = new(this, _node);
        _store = _folder.OpenStore();
        _store.Fault = at =>
        {
            if (at == "before")
                parts.Effect("store", () => { });
        };
        Assert.True(ReleaseKeys.TryParse($"threshold 2\n{Alice.Id}\n{Bob.Id}\n{Owner.Id}\n", out ReleaseKeys? keys, out _));
        FarmSettings farm = new()
        {
            FarmId = "",
            Version = 1,
            Name = "",
            Owners = [Owner.Id.Text],
            Threshold = 1,
            RecoverySigningKey = "",
            RecoveryEncryptionKey = "",
            Registries = new Dictionary<string, FarmRegistry> { ["demo"] = new() { Url = "https://demo.example" } },
        };
        Dependencies = new UpdateDependencies
        {
            Running = new ImageRelease(DigestOf(image), DateTimeOffset.UnixEpoch, Version.Parse(VersionOf(image))),
            Keys = keys,
            Boot = boot,
            WatchdogBit = watchdogBit,
            Settings = () => farm,
            SettingsDocument = () => [7],
            HighestRelease = () => LedgerRelease,
            Kept = version => LedgerRelease = Version.Parse(version),
            SealingKey = () => SealingKey,
            Firmware = parts,
            Medium = id => id == Partition && MediumTrouble is null ? parts : throw new UpdateException("boot-medium", MediumTrouble ?? "not there"),
            Fetch = (source, digest, offset, buffer, _) =>
            {
                byte[] blob = Registry.GetValueOrDefault(digest.ToString()) ?? throw new RegistryException(RegistryFailure.NotFound, "no such blob");
                blob.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
                return Task.CompletedTask;
            },
            Expect = () => new HealthExpectation { Storage = true, Network = ["address"], Machines = [new ExpectedMachine("t", "d", "m")] },
            Examine = (expect, _) =>
            {
                Examined = expect;
                _uptime += 1000;
                return Task.FromResult(Health);
            },
            Restart = () => restarted.TrySetResult(),
            TrialKept = () => parts.Effect("pid 1", () => TrialKept = true),
            UptimeMs = () => _uptime,
            LookEvery = TimeSpan.FromMilliseconds(1),
            Log = LineLog.Quiet,
        };
        _updater = new Updater(_store, Dependencies);
        try
        {
            _updater.Start();
        }
        catch (PowerCutException)
        {
            return;
        }
    }

    /// <summary>The firmware and the medium as one node has them: they answer to nobody else, and to nobody without power.</summary>
    private sealed class Parts(FakeComputer computer, int node) : IFirmware, IBootMedium
    {
        public LoadOption TrialEntry => ZeroOS.Tests.Formats.Efi.LoadOptionTests.Trial;

        /// <summary>What lasts happens whole, and only while this node lives.</summary>
        /// <exception cref="PowerCutException">It does not.</exception>
        public void Effect(string what, Action lasts)
        {
            lock (computer._power)
            {
                if (node != computer._node)
                    throw new PowerCutException();
                if (computer.PowerFor is 0)
                {
                    computer.Restarted.TrySetResult();
                    throw new PowerCutException();
                }
                computer.PowerFor--;
                computer.Effects.Enqueue(what);
                lasts();
            }
        }

        public void Prepare(LoadOption option)
        {
            if (computer.FirmwareRefuses)
                throw new UpdateException("firmware-refuses", "no room for variables");
            Effect("entry", () => computer._entry = true);
        }

        public void BootOnce() => Effect("boot next", () =>
        {
            Assert.True(computer._entry);
            computer.BootNext = true;
        });

        public void Forget() => Effect("forget", () => (computer._entry, computer.BootNext) = (false, false));

        public void Check(long efiBytes) => Effect("check", () => { });

        public void Stage(ReadOnlyMemory<byte> efi, ReadOnlyMemory<byte> settings, ReadOnlyMemory<byte> manifest)
        {
            Assert.Equal([7], settings.ToArray());
            Effect("write half", () => computer._trial = [.. efi.Span[..1]]); // what a cut in the middle leaves is no version
            Effect("write all", () => (computer._trial, computer._manifest) = (efi.ToArray(), manifest.ToArray()));
        }

        public byte[]? Manifest() => computer._manifest;

        public void Keep(Sha256Digest efi)
        {
            if (Sha256Digest.Of(computer.Kept) != efi)
                Effect("exchange", () =>
                {
                    Assert.Equal(efi, Sha256Digest.Of(computer._trial));
                    (computer.Kept, computer._trial) = (computer._trial, computer.Kept);
                });
        }

        public void Dispose()
        {
        }
    }
}
