using System.Collections.Concurrent;

using ZeroOS.Contracts.Farm;
using ZeroOS.Images.Fetch;
using ZeroOS.Images.Store;
using ZeroOS.Tests.Images.Fetch;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Images.Store;

/// <summary>A node's disk and /run as two directories, an image store over them, and what happens between two of its lives.</summary>
internal sealed class ImageBench : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("zeroos-images-").FullName;
    private readonly ImageStoreOptions _options;
    private FetchClient _fetch;

    /// <summary>Options that wait for nothing long.</summary>
    public static ImageStoreOptions Quick { get; } = new()
    {
        FirstRetry = TimeSpan.FromMilliseconds(10),
        LongestRetry = TimeSpan.FromMilliseconds(50),
        PersistDelay = TimeSpan.FromMilliseconds(10),
    };

    public ImageBench(Uri registry, ImageStoreOptions? options = null, string? images = null, Uri? second = null)
    {
        Images = images ?? Path.Combine(_root, "images");
        _options = options ?? Quick;
        Settings = new FarmSettings
        {
            FarmId = "f",
            Version = 1,
            Name = "f",
            Owners = ["o"],
            Threshold = 1,
            RecoverySigningKey = "r",
            RecoveryEncryptionKey = "r",
            Registries = new Dictionary<string, FarmRegistry>
            {
                ["demo"] = new() { Url = registry.AbsoluteUri, PlainHttp = true },
                ["second"] = new() { Url = (second ?? registry).AbsoluteUri, PlainHttp = true },
            },
        };
        (_fetch, Store) = Begin();
    }

    public string Images { get; }
    public string Run => Path.Combine(_root, "run");
    public FarmSettings Settings { get; }
    public InProcessFetch Processes { get; } = new();
    public ImageStore Store { get; private set; }

    /// <summary>What the store logged.</summary>
    public ConcurrentQueue<string> Lines { get; } = new();

    public string DirectoryOf(TestImage image) => Path.Combine(Images, image.Digest.Hex);

    /// <summary>The node ends and begins again; /run stays.</summary>
    public async Task RestartAsync(Action? between = null)
    {
        await Store.DisposeAsync();
        _fetch.Dispose();
        between?.Invoke();
        (_fetch, Store) = Begin();
    }

    /// <summary>The machine boots again: /run is empty.</summary>
    public Task RebootAsync(Action? between = null) => RestartAsync(() =>
    {
        Directory.Delete(Run, recursive: true);
        between?.Invoke();
    });

    /// <summary>Waits for something to become true, 20 s at most.</summary>
    public static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        for (DateTime deadline = DateTime.UtcNow.AddSeconds(20); !condition(); await Task.Delay(5))
        {
            if (DateTime.UtcNow > deadline)
                throw new TimeoutException($"not within 20 s: {what}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _fetch.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private (FetchClient, ImageStore) Begin()
    {
        FetchClient fetch = new(Processes.Start, LineLog.Quiet);
        return (fetch, new ImageStore(Images, Run, () => Settings, fetch, new LineLog(Lines.Enqueue), _options));
    }
}
