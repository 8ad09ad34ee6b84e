namespace ZeroOS.Tests.Formats;

/// <summary>A file for one test.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public string Path { get; } = System.IO.Path.GetTempFileName();

    /// <summary>Opens it for reading and writing, with so many bytes of zeros if asked for.</summary>
    public FileStream Open(long? length = null)
    {
        FileStream stream = new(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (length is long bytes)
        {
            stream.SetLength(0);
            stream.SetLength(bytes);
        }
        return stream;
    }

    public void Dispose() => File.Delete(Path);
}
