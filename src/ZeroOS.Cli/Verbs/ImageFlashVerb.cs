using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Linux;
using ZeroOS.Media.Flash;
using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image flash: an image onto a stick, or into a file, and nothing else by mistake.</summary>
internal static class ImageFlashVerb
{
    private static readonly string[] s_images = ["out/zeroos.img", "zeroos.img", "zeroos.img.zst"];

    public static Command Build(Terminal terminal)
    {
        Argument<string?> device = new("DEVICE") { Arity = ArgumentArity.ZeroOrOne, Description = "whole disk (/dev/sdb), or file to create (out.img)" };
        Option<string?> image = new("--image")
        {
            HelpName = "FILE",
            Description = "zeroos.img or zeroos.iso, plain or .zst (default: zeroos.img in out/ or here)"
        };
        Option<string?> farm = new("--farm")
        {
            HelpName = "FILE",
            Description = "farm settings (zos farm new) to write beside the image; computers that boot it join this farm"
        };
        Option<string?> yes = new("--yes-this-disk")
        {
            HelpName = "SERIAL",
            Description = "confirm with the disk's serial number instead of a question; required for built-in disks"
        };
        Option<bool> list = new("--list") { Description = "list the disks that can be written" };
        Command command = new("flash", "Write a system image to a USB stick or card and verify it. All data on it is lost; its contents are shown first.")
        {
            device, image, farm, yes, list,
        };
        Session.Set(command, terminal, (session, parsed) =>
        {
            if (parsed.GetValue(list))
                return Task.FromResult(List(session, new Disks()));
            string target = parsed.GetValue(device)
                ?? throw new CliException("flash onto what? Name a disk or a file; zos image flash --list shows the disks", CliException.Usage);
            string source = parsed.GetValue(image) ?? s_images.FirstOrDefault(File.Exists)
                ?? throw new CliException(
                    $"there is no {string.Join(", ", s_images)} here; \"make image\" writes the first, or say where one is with --image FILE");
            return Task.FromResult(Flash(session, target, source, parsed.GetValue(farm), parsed.GetValue(yes)));
        }, lasting: true);
        return command;
    }

    private static int Flash(Session session, string path, string source, string? farm, string? repeated)
    {
        byte[]? settings = farm is null ? null : SettingsBuilder.ReadSettings(farm);
        using FlashImage plain = FlashImage.Open(source);
        using FlashTarget target = Choose(session.Terminal, path, repeated);
        using ImageWithSettings? made = settings is null ? null : ImageWithSettings.Make(plain, source, settings, session.Cancellation);
        FlashImage image = made?.Image ?? plain;
        using FlashProgress progress = new(session.Terminal, TimeProvider.System);
        FlashResult result = new FlashJob(image, target, progress, session.Cancellation).Run();
        if (session.TryWriteJson(new FlashSummary(target.Name, result.Bytes, Compared: true, result.BackupTable is null, farm is not null),
            FlashJson.Default.FlashSummary))
            return 0;
        string listed = plain.HasSum ? ", as SHA256SUMS lists it" : "", with = farm is null ? "" : $", with the settings of {Path.GetFileName(farm)}";
        session.Terminal.Out.WriteLine(
            $"{target.Name} holds {Path.GetFileName(source)}: {DecimalSizes.Text(result.Bytes)} written and compared{listed}{with}.");
        string moved = result.BackupTable is null ? "is at the end of the disk" : $"was not moved: {result.BackupTable}";
        if (target.CapacityBytes is not null)
            session.Terminal.Out.WriteLine($"The second copy of its partition table {moved}.");
        return 0;
    }

    private static FlashTarget Choose(Terminal terminal, string path, string? repeated)
    {
        string real = Path.GetFullPath(FileEntry.TryStatus(path) is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        EntryStatus? status = FileEntry.TryStatus(real);
        return status switch
        {
            { Kind: EntryKind.BlockDevice } s => ChooseDisk(terminal, new Disks().Find(path, Major(s.Device), Minor(s.Device)), repeated),
            { Kind: EntryKind.File } s => ChooseFile(terminal, real, s.Size, repeated),
            null when real.StartsWith("/dev/", StringComparison.Ordinal) =>
                throw new CliException($"there is no device {path}; zos image flash --list shows the disks"),
            null => FileTarget.Create(real),
            _ => throw new CliException($"{path} is neither a disk nor a file"),
        };
    }

    private static DiskTarget ChooseDisk(Terminal terminal, Disk disk, string? repeated)
    {
        string serial = disk.Serial.Length > 0 ? $"serial {disk.Serial}" : "no serial number", model = disk.Model.Length > 0 ? disk.Model : "of unknown make";
        terminal.Error.WriteLine($"{disk.Path}  {DecimalSizes.Text(disk.SizeBytes)}  {model}  {serial}  {disk.Attachment}");
        foreach (string line in Describe(disk))
            terminal.Error.WriteLine("  " + Terminal.Clean(line));
        string? why = FlashGuard.WhyNever(disk) ?? FlashGuard.WhyNotYet(disk, repeated, terminal.Interactive);
        if (why is not null)
            throw new CliException(why);
        if (repeated is null && terminal.Ask("All of this will be lost. Write the image to it? (yes or no) ")?.Trim() is not ("yes" or "y"))
            throw new CliException($"{disk.Path} was not touched");
        return DiskTarget.Open(disk);
    }

    private static FileTarget ChooseFile(Terminal terminal, string path, long size, string? repeated)
    {
        using FileStream file = File.OpenRead(path);
        if (size == 0 || DiskContents.Read(file, size).IsZeroOS || repeated == Path.GetFileName(path))
            return FileTarget.Create(path);
        const string Other = "is a file that holds something else than an image of ZeroOS";
        if (!terminal.Interactive || repeated is not null)
            throw new CliException($"{path} {Other}; remove it, choose another name, or say --yes-this-disk {Path.GetFileName(path)}");
        return terminal.Ask($"{path} {Other}. Replace it? (yes or no) ")?.Trim() is "yes" or "y" ? FileTarget.Create(path)
            : throw new CliException($"{path} was not touched");
    }

    private static int List(Session session, Disks disks)
    {
        IReadOnlyList<Disk> all = disks.All();
        if (session.Json)
        {
            foreach (Disk d in all)
                session.WriteJson(new DiskSummary(d.Path, d.SizeBytes, d.Model, d.Serial, d.IsRemovable, d.IsUsb, WhyNot(d), [.. Describe(d)]),
                    FlashJson.Default.DiskSummary);
            return 0;
        }
        Table table = new("DISK", "SIZE", "MODEL", "SERIAL", "ATTACHED", "HOLDS", "TO WRITE IT");
        foreach (Disk d in all.OrderByDescending(d => d.IsCandidate))
        {
            string how = WhyNot(d) ?? (d.IsCandidate ? $"zos image flash {d.Path}" : $"needs --yes-this-disk {d.Confirmation}");
            table.Add(d.Path, DecimalSizes.Text(d.SizeBytes), d.Model, d.Serial, d.Attachment, string.Join(", ", Describe(d).Select(l => l.Trim())), how);
        }
        table.Write(session.Terminal.Out);
        if (!all.Any(d => d.IsCandidate))
            session.Terminal.Error.WriteLine("No stick or card is plugged in.");
        return 0;
    }

    private static string? WhyNot(Disk disk) => disk.Uses.Count > 0 ? $"in use: {disk.Uses[0]}" : FlashGuard.WhyNever(disk);

    private static IEnumerable<string> Describe(Disk disk)
    {
        try
        {
            using FileStream device = new(disk.Path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite });
            return [.. DiskContents.Read(device, disk.SizeBytes).Describe()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [e is UnauthorizedAccessException ? "what is on it only root may see" : $"cannot be read: {e.Message}"];
        }
    }

    private static uint Major(ulong device) => (uint)(((device >> 8) & 0xFFF) | ((device >> 32) & ~0xFFFul));

    private static uint Minor(ulong device) => (uint)((device & 0xFF) | ((device >> 12) & ~0xFFul));
}
