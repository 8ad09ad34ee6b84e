namespace ZeroOS.Images.Store;

/// <summary>One use of an image on a tenant's account, by a machine or by a monitor's socket; the image stays open until the last is disposed.</summary>
internal sealed class ImageUse(Action begin, Action end) : IDisposable
{
    private int _ended;

    /// <summary>One more use on the same account.</summary>
    public ImageUse Again()
    {
        begin();
        return new ImageUse(begin, end);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
            end();
    }
}
