using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Build;

/// <summary>
/// Walks a path of an image as Linux does below a root that it cannot leave (openat2(2), RESOLVE_IN_ROOT): links are followed, one that begins with
/// a slash from the root of the image, and `..` at the root stays there. The tree is in memory, so there is nothing outside it to reach. An
/// image decides the links: their number and their bytes are bounded, and so is the path they lead to.
/// </summary>
/// <param name="root">The root of the tree.</param>
/// <param name="step">What a node has under a name; null ends the walk.</param>
/// <param name="linkOf">Where a symbolic link points to; null for everything else.</param>
internal sealed class PathWalk<TNode>(TNode root, Func<TNode, string, TNode?> step, Func<TNode, string?> linkOf) where TNode : class
{
    /// <summary>Links that one path may lead through (Linux: MAXSYMLINKS).</summary>
    internal const int MaxLinks = 40;

    private readonly List<(TNode Node, int Length)> _way = [];
    private readonly Stack<string> _ahead = new();

    /// <summary>Goes along every name of <paramref name="path"/>, links included; null when something is not there.</summary>
    /// <exception cref="FlistBuildException">Links lead in a circle, or to a path that is too long for Linux.</exception>
    internal TNode? To(string path)
    {
        int links = 0, linkBytes = 0;
        _way.Clear();
        _ahead.Clear();
        _way.Add((root, 0));
        Push(path);
        while (_ahead.TryPop(out string? name))
        {
            if (name == "..")
            {
                if (_way.Count > 1)
                    _way.RemoveAt(_way.Count - 1);
                continue;
            }
            if (step(_way[^1].Node, name) is not { } next)
                return null;
            if (linkOf(next) is { } target)
            {
                linkBytes += target.Length;
                if (++links > MaxLinks || linkBytes > TarPath.MaxPathBytes)
                    throw new FlistBuildException($"{TarPath.Printable(path)} leads through too many symbolic links");
                if (target.StartsWith('/'))
                    _way.RemoveRange(1, _way.Count - 1);
                Push(target);
                continue;
            }
            int length = _way[^1].Length + name.Length + 1;
            if (length > TarPath.MaxPathBytes)
                throw new FlistBuildException($"{TarPath.Printable(path)} leads through symbolic links to a path of more than {TarPath.MaxPathBytes} bytes");
            _way.Add((next, length));
        }
        return _way[^1].Node;
    }

    private void Push(string path)
    {
        for (int end = path.Length; end > 0;)
        {
            int slash = path.LastIndexOf('/', end - 1);
            if (path[(slash + 1)..end] is not ("" or ".") and string name)
                _ahead.Push(name);
            end = slash;
        }
    }
}
