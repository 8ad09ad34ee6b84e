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
    private const int MaxComputers = 1024;
    private static readonly string[] s_lastFiles = [BootFiles.Efi, "initramfs.cpio.zst"];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, BootComputer> _computers = [];
    private readonly Dictionary<IPAddress, string> _names = [];

    /// <summary>A computer asks to be booted and is sent to <paramref name="file"/>; null when there is nothing for it.</summary>
    public void Asked(MacAddress mac, ClientKind kind, string? file, int architecture)
    {
        lock (_lock)
        {
            BootComputer computer = Computer(mac.ToString());
            string text = kind == ClientKind.Unknown ? string.Create(CultureInfo.InvariantCulture, $"processor type {architecture}") : kind.Text();
            string state = file is null ? "there is nothing for it here" : $"sent to {file}";
            bool again = computer.State == state && computer.Kind == text; // firmware asks several times: once is enough to read
            (computer.Kind, computer.State, computer.HasSystem) = (text, state, false);
            if (!again)
                Say(computer, file is null ? "nothing-for-it" : "asks", file);
        }
    }

    /// <summary>A card has, or is about to have, that address.</summary>
    public void Assigned(MacAddress mac, IPAddress address)
    {
        lock (_lock)
        {
            if (!_computers.TryGetValue(mac.ToString(), out BootComputer? computer))
                return; // nobody who was ever asked to be booted
            computer.Address = address;
            Remember(address, computer.Name);
        }
    }

    /// <summary>A computer that was sent its system now asks for an address without asking to be booted: that is the system.</summary>
    public void SystemRuns(MacAddress mac)
    {
        lock (_lock)
        {
            if (!_computers.TryGetValue(mac.ToString(), out BootComputer? computer) || !computer.HasSystem)
                return;
            (computer.HasSystem, computer.State, computer.Heard) = (false, "ZeroOS runs and asks for its address", clock.GetTimestamp());
            Say(computer, "runs");
        }
    }

    /// <summary>A computer asks for a file that is not in the table; its name is foreign text.</summary>
    public void Refused(IPAddress who, string name, string protocol)
    {
        if (name.Contains("pxelinux.cfg/", StringComparison.Ordinal))
            return; // PXELINUX tries a dozen names, from this card's to everybody's
        lock (_lock)
        {
            BootComputer computer = Of(who);
            string state = $"asks by {protocol} for {Shorten(name)}, which is not there";
            bool again = computer.State == state;
            computer.State = state;
            if (!again)
                Say(computer, "unknown-file", Shorten(name));
        }
    }

    /// <summary>A computer begins to load a file.</summary>
    public BootDownload Begin(IPAddress who, string file, long totalBytes, string protocol)
    {
        lock (_lock)
        {
            BootComputer computer = Of(who);
            long now = clock.GetTimestamp();
            BootDownload download = new(file, totalBytes, protocol, now, (d, why) => Ended(computer, d, why));
            (computer.Download, computer.Rate, computer.Look) = (download, 0, (0, now));
            computer.State = $"loads {file} by {protocol}";
            return download;
        }
    }

    /// <summary>
    /// Every computer in the order of its name, the rates brought up to date. Call it now and then: rates are over the time between two calls.
    /// </summary>
    public IReadOnlyList<BootRow> Look()
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            foreach (BootComputer computer in _computers.Values)
            {
                double seconds = clock.GetElapsedTime(computer.Look.At, now).TotalSeconds;
                if (computer.Download is not { } download || seconds < 0.2)
                    continue;
                computer.Rate = Math.Max(0, download.Bytes - computer.Look.Bytes) / seconds;
                computer.Look = (download.Bytes, now);
            }
            return [.. _computers.Values.OrderBy(m => m.Name, StringComparer.Ordinal).Select(BootRow.Of)];
        }
    }

    /// <summary>The progress of everything being loaded, as events.</summary>
    public void SayProgress()
    {
        foreach (BootRow row in Look().Where(r => r.Loads))
            say(new BootEvent(clock.GetUtcNow(), row.Name, row.Address, row.Kind, "progress", row.File, row.Bytes, row.TotalBytes, (long)row.Rate));
    }

    private void Ended(BootComputer computer, BootDownload download, string? why)
    {
        lock (_lock)
        {
            computer.Heard = clock.GetTimestamp();
            double seconds = clock.GetElapsedTime(download.Began, computer.Heard).TotalSeconds;
            if (ReferenceEquals(computer.Download, download))
            {
                computer.Download = null;
                computer.State = why is null ? $"loaded {download.File}" : $"did not load {download.File}: {why}";
            }
            if (why == BootDownload.OnlyAsked)
            {
                computer.State = $"asked for the length of {download.File}";
                return;
            }
            computer.HasSystem |= why is null && s_lastFiles.Contains(download.File);
            say(new BootEvent(clock.GetUtcNow(), computer.Name, computer.Address?.ToString(), computer.Kind, why is null ? "loaded" : "failed", download.File,
                download.Bytes, download.TotalBytes, (long)(download.Bytes / Math.Max(seconds, 0.001)), why));
        }
    }

    private void Say(BootComputer computer, string what, string? file = null) =>
        say(new BootEvent(clock.GetUtcNow(), computer.Name, computer.Address?.ToString(), computer.Kind, what, file));

    /// <summary>The computer at that address: known from what it was given, else from who answers there.</summary>
    private BootComputer Of(IPAddress address)
    {
        if (!_names.TryGetValue(address, out string? name) || !_computers.ContainsKey(name))
            name = cardOf(address)?.ToString() ?? address.ToString();
        BootComputer computer = Computer(name);
        computer.Address = address;
        Remember(address, name);
        return computer;
    }

    private void Remember(IPAddress address, string name)
    {
        if (_names.Count >= 4 * MaxComputers)
            _names.Clear(); // they are found again by who answers there
        _names[address] = name;
    }

    private BootComputer Computer(string name)
    {
        if (!_computers.TryGetValue(name, out BootComputer? computer))
        {
            if (_computers.Count == MaxComputers)
                _computers.Remove(_computers.MinBy(m => m.Value.Heard).Key);
            _computers[name] = computer = new BootComputer(name);
        }
        computer.Heard = clock.GetTimestamp();
        return computer;
    }

    private static string Shorten(string foreign) => foreign.Length <= 60 ? foreign : foreign[..60] + "…";
}
