using System.Globalization;
using System.Net;

using ZeroOS.Linux.Netlink;
using ZeroOS.Media.Serve.Dhcp;

namespace ZeroOS.Media.Serve.Report;

/// <summary>
/// Who asks for what and how far they got. The servers tell it, from any thread; the screen looks at it; each change that is worth a line goes to
/// <paramref name="say"/>. Bounded: whoever invents cards pushes the oldest out of the list and nothing else.
/// </summary>
internal sealed class BootWatch(TimeProvider clock, Action<BootEvent> say, Func<IPAddress, MacAddress?> cardOf)
{
    private const int MaxMachines = 1024;
    private static readonly string[] s_lastFiles = [BootFiles.Efi, "initramfs.cpio.zst"];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, BootMachine> _machines = [];
    private readonly Dictionary<IPAddress, string> _names = [];

    /// <summary>A machine asks to be booted and is sent to <paramref name="file"/>; null when there is nothing for it.</summary>
    public void Asked(MacAddress mac, ClientKind kind, string? file, int architecture)
    {
        lock (_lock)
        {
            BootMachine machine = Machine(mac.ToString());
            string text = kind == ClientKind.Unknown ? string.Create(CultureInfo.InvariantCulture, $"processor type {architecture}") : kind.Text();
            string state = file is null ? "there is nothing for it here" : $"sent to {file}";
            bool again = machine.State == state && machine.Kind == text; // firmware asks several times: once is enough to read
            (machine.Kind, machine.State, machine.HasSystem) = (text, state, false);
            if (!again)
                Say(machine, file is null ? "nothing-for-it" : "asks", file);
        }
    }

    /// <summary>A card has, or is about to have, that address.</summary>
    public void Assigned(MacAddress mac, IPAddress address)
    {
        lock (_lock)
        {
            if (!_machines.TryGetValue(mac.ToString(), out BootMachine? machine))
                return; // nobody who was ever asked to be booted
            machine.Address = address;
            Remember(address, machine.Name);
        }
    }

    /// <summary>A machine that was sent its system now asks for an address without asking to be booted: that is the system.</summary>
    public void SystemRuns(MacAddress mac)
    {
        lock (_lock)
        {
            if (!_machines.TryGetValue(mac.ToString(), out BootMachine? machine) || !machine.HasSystem)
                return;
            (machine.HasSystem, machine.State, machine.Heard) = (false, "ZeroOS runs and asks for its address", clock.GetTimestamp());
            Say(machine, "runs");
        }
    }

    /// <summary>A machine asks for a file that is not in the table; its name is foreign text.</summary>
    public void Refused(IPAddress who, string name, string protocol)
    {
        if (name.Contains("pxelinux.cfg/", StringComparison.Ordinal))
            return; // PXELINUX tries a dozen names, from this card's to everybody's
        lock (_lock)
        {
            BootMachine machine = Of(who);
            string state = $"asks by {protocol} for {Shorten(name)}, which is not there";
            bool again = machine.State == state;
            machine.State = state;
            if (!again)
                Say(machine, "unknown-file", Shorten(name));
        }
    }

    /// <summary>A machine begins to load a file.</summary>
    public BootDownload Begin(IPAddress who, string file, long totalBytes, string protocol)
    {
        lock (_lock)
        {
            BootMachine machine = Of(who);
            long now = clock.GetTimestamp();
            BootDownload download = new(file, totalBytes, protocol, now, (d, why) => Ended(machine, d, why));
            (machine.Download, machine.Rate, machine.Look) = (download, 0, (0, now));
            machine.State = $"loads {file} by {protocol}";
            return download;
        }
    }

    /// <summary>Every machine in the order of its name, the rates brought up to date. Call it now and then: rates are over the time between two calls.</summary>
    public IReadOnlyList<BootRow> Look()
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            foreach (BootMachine machine in _machines.Values)
            {
                double seconds = clock.GetElapsedTime(machine.Look.At, now).TotalSeconds;
                if (machine.Download is not { } download || seconds < 0.2)
                    continue;
                machine.Rate = Math.Max(0, download.Bytes - machine.Look.Bytes) / seconds;
                machine.Look = (download.Bytes, now);
            }
            return [.. _machines.Values.OrderBy(m => m.Name, StringComparer.Ordinal).Select(BootRow.Of)];
        }
    }

    /// <summary>The progress of everything being loaded, as events.</summary>
    public void SayProgress()
    {
        foreach (BootRow row in Look().Where(r => r.Loads))
            say(new BootEvent(clock.GetUtcNow(), row.Name, row.Address, row.Kind, "progress", row.File, row.Bytes, row.TotalBytes, (long)row.Rate));
    }

    private void Ended(BootMachine machine, BootDownload download, string? why)
    {
        lock (_lock)
        {
            machine.Heard = clock.GetTimestamp();
            double seconds = clock.GetElapsedTime(download.Began, machine.Heard).TotalSeconds;
            if (ReferenceEquals(machine.Download, download))
            {
                machine.Download = null;
                machine.State = why is null ? $"loaded {download.File}" : $"did not load {download.File}: {why}";
            }
            if (why == BootDownload.OnlyAsked)
            {
                machine.State = $"asked for the length of {download.File}";
                return;
            }
            machine.HasSystem |= why is null && s_lastFiles.Contains(download.File);
            say(new BootEvent(clock.GetUtcNow(), machine.Name, machine.Address?.ToString(), machine.Kind, why is null ? "loaded" : "failed", download.File,
                download.Bytes, download.TotalBytes, (long)(download.Bytes / Math.Max(seconds, 0.001)), why));
        }
    }

    private void Say(BootMachine machine, string what, string? file = null) =>
        say(new BootEvent(clock.GetUtcNow(), machine.Name, machine.Address?.ToString(), machine.Kind, what, file));

    /// <summary>The machine at that address: known from what it was given, else from who answers there.</summary>
    private BootMachine Of(IPAddress address)
    {
        if (!_names.TryGetValue(address, out string? name) || !_machines.ContainsKey(name))
            name = cardOf(address)?.ToString() ?? address.ToString();
        BootMachine machine = Machine(name);
        machine.Address = address;
        Remember(address, name);
        return machine;
    }

    private void Remember(IPAddress address, string name)
    {
        if (_names.Count >= 4 * MaxMachines)
            _names.Clear(); // they are found again by who answers there
        _names[address] = name;
    }

    private BootMachine Machine(string name)
    {
        if (!_machines.TryGetValue(name, out BootMachine? machine))
        {
            if (_machines.Count == MaxMachines)
                _machines.Remove(_machines.MinBy(m => m.Value.Heard).Key);
            _machines[name] = machine = new BootMachine(name);
        }
        machine.Heard = clock.GetTimestamp();
        return machine;
    }

    private static string Shorten(string foreign) => foreign.Length <= 60 ? foreign : foreign[..60] + "…";
}
