namespace ZeroOS.Oci.Registry;

/// <summary>Bodies of answers, never longer than allowed, never waiting for ever.</summary>
internal static class BoundedBody
{
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(30);

    /// <summary>Reads a whole body of at most <paramref name="maxBytes"/>.</summary>
    public static async Task<byte[]> ReadAsync(HttpResponseMessage answer, int maxBytes, string host, string what, CancellationToken cancellation)
    {
        if (answer.Content.Headers.ContentLength is { } announced && announced > maxBytes)
            throw TooLong(host, what, maxBytes);
        using Stream body = await OpenAsync(answer, host, what, cancellation).ConfigureAwait(false);
        byte[] bytes = new byte[(int)Math.Min(answer.Content.Headers.ContentLength ?? 16 * 1024, maxBytes) + 1];
        for (int filled = 0; ;)
        {
            int n = await ReadSomeAsync(body, bytes.AsMemory(filled), host, what, cancellation).ConfigureAwait(false);
            filled += n;
            if (n == 0)
                return bytes[..filled];
            if (filled > maxBytes)
                throw TooLong(host, what, maxBytes);
            if (filled == bytes.Length)
                Array.Resize(ref bytes, (int)Math.Min(2L * bytes.Length, maxBytes + 1L));
        }
    }

    /// <summary>Opens a body as a stream.</summary>
    public static async Task<Stream> OpenAsync(HttpResponseMessage answer, string host, string what, CancellationToken cancellation)
    {
        try
        {
            return await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw BrokeOff(host, what, e);
        }
    }

    /// <summary>Reads what is there; 0 at the end. A body that stands still for 30 s is given up.</summary>
    public static async ValueTask<int> ReadSomeAsync(Stream body, Memory<byte> buffer, string host, string what, CancellationToken cancellation)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(s_stall);
        try
        {
            return await body.ReadAsync(buffer, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw BrokeOff(host, what, e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryException(RegistryFailure.Unreachable, $"{host} stopped sending {what}", e);
        }
    }

    private static RegistryException BrokeOff(string host, string what, Exception e) =>
        new(RegistryFailure.Unreachable, $"{host} broke off in the middle of {what}: {e.Message}", e);

    private static RegistryException TooLong(string host, string what, int maxBytes) =>
        new(RegistryFailure.Invalid, $"{host} sends more than {maxBytes} bytes for {what}");
}
