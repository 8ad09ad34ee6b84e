using System.Collections.Concurrent;
using System.Globalization;

using ZeroOS.Flist;
using ZeroOS.Tests.Oci.Registry;

namespace ZeroOS.Tests.Images.Store;

/// <summary>A registry that misbehaves on command, which Debian's does not. The real one is used in <see cref="ImageRegistryTests"/>.</summary>
internal sealed class TestRegistry : IDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _things = new();
    private readonly StandInServer _server;

    public TestRegistry(params TestImage[] images)
    {
        foreach (TestImage image in images)
            Add(image);
        _server = new StandInServer(AnswerAsync);
    }

    public Uri Url => _server.Url;

    /// <summary>Answers nothing but 503.</summary>
    public bool Down { get; set; }

    /// <summary>Wants this Authorization header.</summary>
    public string? Password { get; set; }

    /// <summary>Changes a blob's bytes on their way out, by their offset in the blob.</summary>
    public Action<long, byte[]>? Forge { get; set; }

    /// <summary>Holds answers back until it is completed.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    /// <summary>Ranges of data blobs that were asked for: first byte and length.</summary>
    public ConcurrentQueue<(long From, int Length)> Ranges { get; } = new();

    public void Add(TestImage image)
    {
        _things[$"manifests/{image.Digest}"] = image.ManifestBytes;
        foreach (byte[] piece in new[] { image.Config, image.IndexBytes, image.Blob })
            _things[$"blobs/{Sha256Digest.Of(piece)}"] = piece;
    }

    public void Replace(string what, byte[] bytes) => _things[what] = bytes;

    public void Dispose() => _server.Dispose();

    private async Task AnswerAsync(System.Net.HttpListenerRequest request, System.Net.HttpListenerResponse response)
    {
        await Hold;
        string what = request.Url!.AbsolutePath.Replace("/v2/x/y/", "", StringComparison.Ordinal);
        if (Down)
        {
            response.StatusCode = 503;
        }
        else if (Password is not null && request.Headers["Authorization"] != Password)
        {
            response.StatusCode = 401;
            response.Headers["WWW-Authenticate"] = "Basic realm=\"x\"";
        }
        else if (!_things.TryGetValue(what, out byte[]? bytes))
        {
            response.StatusCode = 404;
        }
        else if (request.Headers["Range"] is { } header)
        {
            string[] range = header["bytes=".Length..].Split('-');
            int from = int.Parse(range[0], CultureInfo.InvariantCulture), to = int.Parse(range[1], CultureInfo.InvariantCulture);
            byte[] part = bytes[from..(to + 1)];
            Ranges.Enqueue((from, part.Length));
            Forge?.Invoke(from, part);
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {from}-{to}/{bytes.Length}";
            await response.OutputStream.WriteAsync(part);
        }
        else
        {
            await response.OutputStream.WriteAsync(bytes);
        }
    }
}
