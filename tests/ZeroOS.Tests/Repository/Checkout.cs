namespace ZeroOS.Tests.Repository;

/// <summary>The checkout the tests run from.</summary>
internal static class Checkout
{
    /// <summary>Its root: the folder with ZeroOS.sln.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) =>
        File.Exists(System.IO.Path.Combine(folder, "ZeroOS.sln"))
        ? folder
        : Find(Directory.GetParent(folder)?.FullName ?? throw new InvalidOperationException("no ZeroOS.sln above the tests"));
}
