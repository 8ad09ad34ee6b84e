namespace ZeroOS.SystemTests.Bench;

/// <summary>The checkout the tests run from, with the image built.</summary>
internal static class Checkout
{
    /// <summary>Its root: the folder with ZeroOS.sln.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>A folder for one test's files, made anew.</summary>
    public static string Scratch(string name)
    {
        string folder = System.IO.Path.Combine(Root, "out", "system-tests", name);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>A path in the checkout.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find(string folder) =>
        File.Exists(System.IO.Path.Combine(folder, "ZeroOS.sln")) ? folder
            : Find(Directory.GetParent(folder)?.FullName ?? throw new InvalidOperationException("no ZeroOS.sln above the tests"));
}
