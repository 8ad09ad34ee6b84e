namespace ZeroOS.Media.Serve.Report;

/// <summary>One file on its way to one computer.</summary>
internal sealed class BootDownload(string file, long totalBytes, string protocol, long began, Action<BootDownload, string?> ended)
{
    /// <summary>Why a transfer ended that was only to learn the length: not worth a word.</summary>
    public const string OnlyAsked = "only asked for the length";

    private long _bytes;
    private int _ended;

    /// <summary>The name.</summary>
    public string File { get; } = file;

    /// <summary>Its length in bytes.</summary>
    public long TotalBytes { get; } = totalBytes;

    /// <summary>TFTP or HTTP.</summary>
    public string Protocol { get; } = protocol;

    /// <summary>When it began (the clock's time stamp).</summary>
    public long Began { get; } = began;

    /// <summary>How far it is: bytes of the file.</summary>
    public long Bytes
    {
        get => Volatile.Read(ref _bytes);
        set => Volatile.Write(ref _bytes, value);
    }

    /// <summary>It is over: null when all arrived, else why not. Only the first word counts.</summary>
    public void End(string? why)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
            ended(this, why);
    }
}
