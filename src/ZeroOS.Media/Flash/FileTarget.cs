using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>
/// A plain file. It is written under another name and takes its own when it is whole: nobody meets half of it. What is all zeros takes no room.
/// </summary>
internal sealed class FileTarget : FlashTarget
{
    private readonly string _path, _working;
    private bool _finished;

    private FileTarget(string path, string working, FileDescriptor file) : base(path, file) => (_path, _working) = (path, working);

    /// <inheritdoc/>
    public override long? CapacityBytes => null;

    /// <inheritdoc/>
    public override string Unfinished => $"{Name} was left as it was";

    /// <summary>Begins it.</summary>
    /// <exception cref="LinuxException">What open(2) refused.</exception>
    public static FileTarget Create(string path)
    {
        string working = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.new");
        return new FileTarget(path, working, FileDescriptor.Open(working, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate, Mode.ReadableByAll));
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        if (buffer.ContainsAnyExcept((byte)0))
            base.Write(buffer, offset);
        else if (File.Length < offset + buffer.Length)
            File.SetLength(offset + buffer.Length);
    }

    /// <inheritdoc/>
    public override void Settle()
    {
        File.Sync();
        File.DropCache();
    }

    /// <inheritdoc/>
    public override void Finish()
    {
        System.IO.File.Move(_working, _path, overwrite: true);
        _finished = true;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        if (!_finished)
            System.IO.File.Delete(_working);
    }
}
