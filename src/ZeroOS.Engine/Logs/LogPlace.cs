using System.Globalization;
using System.Text;

using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// Where one machine's output lies: a directory of its own with <c>owner</c> (whose it is) and a file a segment, named by the position at which it begins. An
/// earlier version had no directories, and the machine's <see cref="WorkloadId.FormerName"/> in front of each file's name.
/// </summary>
internal sealed class LogPlace
{
    internal const string New = "new-", Suffix = ".log";

    private const string OwnerFile = "owner";
    private const int MaxOwnerBytes = 1024;
    private readonly string _directory, _prefix;
    private readonly WorkloadId? _owner;

    private LogPlace(string directory, string prefix, WorkloadId? owner) => (_directory, _prefix, _owner) = (directory, prefix, owner);

    /// <summary>The machine's own directory under <paramref name="logs"/>; it need not be there yet.</summary>
    public static LogPlace Own(string logs, WorkloadNames names, WorkloadId machine) => new(Path.Combine(logs, names.Of(machine)), "", machine);

    /// <summary>As an earlier version named the machine's files.</summary>
    public static LogPlace Former(string logs, WorkloadId machine) => new(logs, machine.FormerName + ".", null);

    /// <summary>The directory is there and says that it is this machine's. One that does not is damaged: it is never read, and goes.</summary>
    public bool Exists()
    {
        if (_owner is null || !Directory.Exists(_directory))
            return false;
        FileInfo file = new(Path.Combine(_directory, OwnerFile));
        if (file is { Exists: true, Length: <= MaxOwnerBytes } && File.ReadAllText(file.FullName) == _owner.Value.Full)
            return true;
        Directory.Delete(_directory, recursive: true);
        return false;
    }

    /// <summary>The folder in which the segments are.</summary>
    public string Folder => _directory;

    /// <summary>The folder in which that one was made; null: it is not the machine's own.</summary>
    public string? Parent => _owner is null ? null : Path.GetDirectoryName(_directory);

    /// <summary>Where the segments begin, in order.</summary>
    public IEnumerable<long> Starts => !Directory.Exists(_directory) ? []
        : Directory.EnumerateFiles(_directory, $"{_prefix}*{Suffix}").Select(f => Path.GetFileName(f)[_prefix.Length..^Suffix.Length])
            .Select(t => long.TryParse(t, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long start) ? start : -1)
            .Where(s => s >= 0).Order();

    /// <summary>The file of a segment.</summary>
    public string PathOf(long start) => Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{_prefix}{start:x16}{Suffix}"));

    /// <summary>
    /// Makes the directory, if it is one of its own and not there: whole, or under a name that nobody looks for. False: there was nothing to make.
    /// </summary>
    /// <exception cref="IOException">The disk is full or refuses.</exception>
    public bool Make()
    {
        if (_owner is null || Exists())
            return false;
        Directory.Move(BeginMake(), _directory);
        return true;
    }

    /// <summary>
    /// Moves the segments of <paramref name="former"/> here, if nothing is here yet; a power cut between two of them is made good by calling it again.
    /// </summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void TakeOver(LogPlace former)
    {
        if (Exists() || !(former.Starts.Any() || Directory.Exists(HalfMade)))
            return;
        string fresh = BeginMake();
        foreach (long start in former.Starts.ToList())
            File.Move(former.PathOf(start), Path.Combine(fresh, Path.GetFileName(PathOf(start))), overwrite: true);
        Directory.Move(fresh, _directory);
    }

    /// <summary>Takes the directory away, if it is one of its own.</summary>
    public void Remove()
    {
        if (Exists())
            Directory.Delete(_directory, recursive: true);
    }

    private string HalfMade => Path.Combine(Path.GetDirectoryName(_directory)!, New + Path.GetFileName(_directory));

    private string BeginMake()
    {
        string fresh = HalfMade;
        Directory.CreateDirectory(fresh);
        using FileDescriptor owner = FileDescriptor.Open(Path.Combine(fresh, OwnerFile), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate,
            Mode.OwnerOnly);
        owner.Write(Encoding.UTF8.GetBytes(_owner!.Value.Full));
        owner.Sync();
        return fresh;
    }
}
